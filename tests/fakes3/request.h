// The head of an HTTP/1.1 request, and the decoding of its body's framing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace haul::fakes3 {

struct Header {
  std::string_view name, value;
};

/// One request head. The views point into the bytes it was parsed from, which have to stay.
class Request {
 public:
  /// Parses a complete head (up to and with the empty line); false for what is not HTTP/1.1.
  bool parse(std::string_view head);

  std::string_view method, target, path, query;
  std::uint64_t content_length = 0;
  bool chunked = false, aws_chunked = false, expects_continue = false, keep_alive = true;

  /// Decoded; set by the router from path and host.
  std::string bucket, key;

  /// A header's value; null when there is none.
  const std::string_view* find(std::string_view name) const;
  std::string_view header(std::string_view name) const {
    const std::string_view* value = find(name);
    return value == nullptr ? std::string_view() : *value;
  }
  const Header* begin() const { return headers_.data(); }
  const Header* end() const { return headers_.data() + count_; }

  /// A query parameter, decoded; nothing when absent, empty when it has no value.
  std::optional<std::string> parameter(std::string_view name) const;
  bool has_parameter(std::string_view name) const { return raw_parameter(name).has_value(); }

 private:
  std::optional<std::string_view> raw_parameter(std::string_view name) const;

  std::array<Header, 128> headers_;
  std::size_t count_ = 0;
};

/// Decodes `Transfer-Encoding: chunked` and `aws-chunked`, whose grammar is one: sizes in hexadecimal with
/// extensions, data, trailer lines. Fed in pieces of any size.
class ChunkDecoder {
 public:
  void start() { *this = ChunkDecoder(); }
  /// Passes data to `sink(std::string_view)`; returns how many bytes were used: fewer than given only
  /// when the end was reached.
  template <class Sink>
  std::size_t feed(std::string_view bytes, Sink&& sink) {
    std::size_t used = 0;
    while (used < bytes.size() && state_ != State::done) {
      if (state_ == State::data) {
        std::string_view piece = bytes.substr(used, left_);
        sink(piece);
        used += piece.size();
        left_ -= piece.size();
        if (left_ == 0) state_ = State::data_end;
      } else {
        control(bytes[used++]);
      }
    }
    return used;
  }
  bool done() const { return state_ == State::done; }
  bool broken() const { return broken_; }
  /// `name:value` lines, each ended by a line feed.
  const std::string& trailers() const { return trailers_; }

 private:
  enum class State : std::uint8_t { size, extension, data, data_end, trailer, done };
  void control(char c);

  State state_ = State::size;
  bool broken_ = false;
  std::uint64_t left_ = 0;
  std::size_t digits_ = 0, line_ = 0;
  std::string trailers_;
};

}  // namespace haul::fakes3
