// What the small parts cost: checksums per byte, signatures, times, escapes and globs per call. The median of
// several rounds on one thread, in CPU time; for comparing two builds on one machine, nothing more.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/checksum.h"
#include "base/crc.h"
#include "base/crc64_fold.h"
#include "base/encoding.h"
#include "base/glob.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace haul {
namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Keeps the compiler from dropping a result that nobody reads.
template <class Value>
void keep(const Value& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// Nanoseconds per call.
template <class Call>
double cost_of(Call call) {
  std::size_t calls = 1;
  const auto time_calls = [&] {
    const double start = cpu_seconds();
    for (std::size_t i = 0; i < calls; ++i)
      call();
    return cpu_seconds() - start;
  };
  while (time_calls() < 0.01)
    calls *= 2;
  std::array<double, 9> rounds{};
  for (double& round : rounds)
    round = time_calls() / static_cast<double>(calls) * 1e9;
  std::ranges::sort(rounds);
  return rounds[rounds.size() / 2];
}

template <class Call>
void per_byte(std::string_view name, std::size_t bytes, Call call) {
  const double nanoseconds = cost_of(call);
  fmt::print("{:<34}{:>9} B {:>11.1f} ns {:>8.2f} GB/s\n", name, bytes, nanoseconds,
             static_cast<double>(bytes) / nanoseconds);
}

template <class Call>
void per_call(std::string_view name, Call call) {
  fmt::print("{:<34}{:>11} {:>11.1f} ns\n", name, "", cost_of(call));
}

void measure_checksums() {
  std::mt19937_64 random(1);
  std::vector<std::byte> memory(std::size_t{1} << 20);
  for (auto& b : memory)
    b = static_cast<std::byte>(random());
  for (const std::size_t size : {std::size_t{64}, std::size_t{4096}, std::size_t{65536}, memory.size()}) {
    const ByteView data = ByteView(memory).first(size);
    per_byte("crc32", size, [&] { keep(crc32(data)); });
    per_byte("crc32c", size, [&] { keep(crc32c(data)); });
    per_byte("crc64nvme", size, [&] { keep(crc64nvme(data)); });
    if (crc64_fold_available() != Crc64Fold::none) {
      per_byte("crc64nvme, 128-bit lanes", size, [&] { keep(crc64nvme_fold(~0ULL, data.data(), size)); });
    }
    per_byte("crc64nvme, portable", size, [&] { keep(crc64nvme_portable(data)); });
  }
  for (const std::size_t size : {std::size_t{4096}, memory.size()}) {
    const ByteView data = ByteView(memory).first(size);
    for (const auto algorithm :
         {ChecksumAlgorithm::sha256, ChecksumAlgorithm::sha1, ChecksumAlgorithm::md5}) {
      Hasher hasher(algorithm);
      per_byte(fmt::format("{}, hasher reused", to_string(algorithm)), size, [&] {
        hasher.update(data);
        keep(hasher.finish());
      });
    }
  }
  per_call("sha256 hasher, made and dropped", [] { keep(Hasher(ChecksumAlgorithm::sha256)); });
  per_call("crc64nvme combined over 8 MiB", [] { keep(crc64nvme_combine(1, 2, 8 << 20)); });
  per_call("crc32c combined over 8 MiB", [] { keep(crc32c_combine(1, 2, 8 << 20)); });
}

void measure_signing() {
  const std::string canonical(300, 'c');
  const std::string to_sign(140, 's');
  const HmacSha256Key key(std::string(32, 'k'));
  std::string out;
  per_call("sha256 of 300 bytes", [&] { keep(sha256(canonical)); });
  per_call("hmac-sha256 of 140 bytes", [&] { keep(key.sign(to_sign)); });
  per_call("both, and both as hex (SigV4)", [&] {
    out.clear();
    append_hex(out, sha256(canonical));
    append_hex(out, key.sign(to_sign));
    keep(out);
  });
}

void measure_text() {
  const std::string plain_key = "image/2024/01/31/0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg";
  const std::string spaced_key = "image/2024/some folder/with a few spaces/photo (1).jpg";
  const std::string coded = percent_encode(spaced_key, Slash::keep);
  std::string buffer;
  per_call("ISO time read", [] { keep(parse_iso8601("2024-01-31T12:34:56.000Z")); });
  per_call("ISO time written", [&, time = *parse_iso8601("2024-01-31")] {
    buffer.clear();
    append_iso8601(buffer, time);
    keep(buffer);
  });
  per_call("percent-encode, plain key", [&] {
    buffer.clear();
    append_percent_encoded(buffer, plain_key, Slash::keep);
    keep(buffer);
  });
  per_call("form-decode in place, plain key", [&] {
    buffer.assign(plain_key);
    keep(form_decode_in_place(buffer));
  });
  per_call("form-decode in place, 8 escapes", [&] {
    buffer.assign(coded);
    keep(form_decode_in_place(buffer));
  });
  per_call("is_utf8, plain key", [&] { keep(is_utf8(plain_key)); });
  TextArena arena;
  per_call("arena store, plain key", [&] {
    if (arena.bytes() > (1 << 20)) arena.clear();
    keep(arena.store(plain_key));
  });
  for (const auto* pattern : {"*.jpg", "*.tmp", "/image/**", "image/*/01/**.jpg", "*.{jpg,png}", "cache/"}) {
    const Glob glob(pattern, GlobDialect::filter);
    per_call(fmt::format("filter glob {}", pattern), [&] { keep(glob.matches(plain_key)); });
  }
}

}  // namespace
}  // namespace haul

int main() {
  haul::measure_checksums();
  haul::measure_signing();
  haul::measure_text();
}
