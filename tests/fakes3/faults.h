// Faults as data: rules that say which requests go wrong, and how. See README.md for the JSON.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operation.h"

namespace haul::fakes3 {

enum class FaultKind : std::uint8_t {
  error,          // a status and a code, before or (apply) after the operation was done
  error_in_200,   // the error document under status 200
  close,          // the connection ends without an answer
  reset,          // the connection is reset within the answer's body, or within the request's
  short_body,     // the answer's body ends before its length says so
  corrupt,        // one byte of the body is another
  checksum,       // the answer's checksum headers are wrong
  stall,          // silence for a while, before the answer or within its body
  skewed,         // RequestTimeTooSkewed, with the clock the server claims to have
  redirect,       // PermanentRedirect to another region
  cut_xml,        // half of the document, with the right Content-Length
  repeat_key,     // the page begins with the key that ended the one before
  endless_token,  // the page's next token leads to the same page
};

struct Fault {
  FaultKind kind = FaultKind::error;
  int status = 500;
  std::string code, message, region, value;
  std::vector<std::pair<std::string, std::string>> headers;
  std::uint64_t bytes = 0, at = 0, milliseconds = 0;
  std::optional<std::uint64_t> request_bytes;
  std::int64_t seconds = 0;
  bool apply = false;  // do what was asked, then go wrong
  bool early = false;  // answer when the head is there, without waiting for the body
};

class Faults {
 public:
  /// Replaces all rules. Throws std::exception with a readable reason, and then changes nothing.
  void load(std::string_view json);
  void clear();

  /// What goes wrong with this request, if anything. Counts it. Thread safe; nearly free without rules.
  std::optional<Fault> match(const Request& request, Operation operation);

  /// For each rule how often it matched and how often it struck, as a JSON array.
  std::string report() const;

 private:
  struct Rule {
    std::vector<std::string> operations;  // globs; empty: any
    std::string method, bucket = "*", key = "*", query = "*", header = "*";
    std::uint64_t skip = 0, count = 1, every = 1;
    double probability = 1;
    std::uint64_t random = 1;
    std::uint64_t matched = 0, struck = 0;
    Fault fault;
  };

  std::atomic<bool> armed_ = false;
  mutable std::mutex mutex_;
  std::vector<Rule> rules_;  // guarded by mutex_
};

}  // namespace haul::fakes3
