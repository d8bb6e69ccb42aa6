// One connection and the exchange that goes on over it: sending, the answer's head, the answer's body.
//
// Calls that cannot be done at once are coroutines; everything else is plain functions, so that a small
// request costs one send, one wait and one receive.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/chunk_decoder.h"
#include "http/client.h"
#include "http/dialer.h"
#include "http/head_parser.h"
#include "http/io.h"
#include "http/ticker.h"
#include "http/tls.h"

namespace haul::http {

class ConnectionPool;
struct Route;

// Not thread-safe: belongs to one shard.
class Connection final : public Watch {
 public:
  Connection(Socket socket, std::shared_ptr<ConnectionPool> pool, Route& route);
  ~Connection();

  // ---- getting there (connection_setup.cc)
  // Asks the proxy for a way through (RFC 9110 section 9.3.6).
  Task<> tunnel(OpContext& context);
  // Throws permission_denied if the certificate is not accepted, with the reason; never worth a retry.
  Task<> handshake(const TlsContext& tls, OpContext& context);

  // ---- one exchange
  // Makes ready for a request, which must stay as it is until the answer's head is there.
  void begin(const Request& request, const OpContext& context);
  // Sends what goes without waiting; true if that was all.
  bool send_at_once();
  // Sends the rest. Ends early when an answer comes, or when the connection breaks: there may be an answer
  // in it still.
  Task<> send_rest(const Request& request, OpContext& context);
  // Whether the head of the final answer is there. Throws unavailable if what is there is no HTTP.
  bool answered();

  enum class Fill { data, closed, failed, expired };
  // Receives some bytes of an answer's head. Throws only as context.check() does.
  Task<Fill> fill(OpContext& context, Ticks limit);
  [[noreturn]] void throw_broken(Fill fill) const;

  bool body_touched() const noexcept { return body_touched_; }  // Body::next() was called
  bool heard() const noexcept { return heard_; }                // a byte of the answer came

  // ---- the answer
  const ResponseHead& head() const noexcept { return head_; }
  std::string_view head_text() const noexcept { return {in_.get(), head_.size()}; }
  Duration first_byte() const noexcept { return first_byte_; }
  Task<std::size_t> read_body(std::span<std::byte> into, OpContext& context);
  // What is there already of the body, to the end of it; nothing if the end is not there.
  std::optional<std::string_view> whole_body() noexcept;

  // ---- the time between
  bool reusable() noexcept;    // after an exchange
  bool still_open() noexcept;  // as far as can be told without sending
  Ticks idle_since = 0;
  Route& route() noexcept { return route_; }
  const std::shared_ptr<ConnectionPool>& pool() const noexcept { return pool_; }

  void interrupt(Interrupt cause) override;

 private:
  enum class BodyEnd : std::uint8_t { reached, by_length, by_chunks, by_close };
  struct AnswerWatch;

  Io receive(std::span<std::byte> into);
  Io flush();
  bool flushed() const noexcept { return out_sent_ == out_.size() && piece_.empty(); }
  // Waits for the socket. False if `limit` passed; throws as context.check() does.
  Task<bool> wait(IoState what, OpContext& context, Ticks limit);
  Task<> wait_to_send(IoState what, OpContext& context);
  Task<bool> wait_for_consent(OpContext& context);
  bool answer_arrived();
  std::span<std::byte> room();
  void begin_body() noexcept;
  std::size_t took(std::span<std::byte> received);
  [[noreturn]] void throw_interrupted(const OpContext& context) const;
  [[noreturn]] void throw_stalled() const;
  [[noreturn]] void throw_cut() const;
  void watch_for_answer();

  std::shared_ptr<ConnectionPool> pool_;
  Route& route_;
  Socket socket_;
  std::unique_ptr<TlsStream> tls_;
  std::shared_ptr<AnswerWatch> answer_watch_;

  // What came: [0, in_end_) of in_, the head first; from in_next_ on not yet handed out.
  std::unique_ptr<char[]> in_;
  std::size_t in_capacity_ = 0;
  std::size_t in_next_ = 0;
  std::size_t in_end_ = 0;
  ResponseHead head_;
  ChunkDecoder chunks_;
  std::uint64_t body_left_ = 0;  // if by_length
  BodyEnd body_end_ = BodyEnd::reached;

  // What goes: the rest of out_, then of piece_, then of the body.
  std::string out_;
  std::size_t out_sent_ = 0;
  std::span<const std::byte> piece_;
  std::uint64_t body_unsent_ = 0;  // beyond piece_

  const Env* env_ = nullptr;
  SteadyTime sent_at_{};
  Duration first_byte_{0};
  int error_ = 0;  // of the socket, after failed
  Interrupt interrupted_ = Interrupt::none;
  bool head_request_ = false;
  bool consent_wanted_ = false;
  bool consented_ = false;
  bool answered_ = false;
  bool heard_ = false;
  bool sent_all_ = false;
  bool body_touched_ = false;
  bool waiting_to_send_ = false;
  bool readable_ = false;
  bool unusable_ = false;  // not to be kept alive, whatever the answer says
};

}  // namespace haul::http
