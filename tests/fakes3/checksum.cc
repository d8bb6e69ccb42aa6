#include "checksum.h"

#include <isa-l/crc.h>

#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr std::array<std::string_view, kAlgorithms> kNames = {"CRC32", "CRC32C", "CRC64NVME", "SHA1",
                                                              "SHA256"};
constexpr std::array<std::string_view, kAlgorithms> kHeaders = {
    "x-amz-checksum-crc32", "x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme", "x-amz-checksum-sha1",
    "x-amz-checksum-sha256"};

// Reflected polynomials: the highest bit is the coefficient of x^0.
struct Field {
  std::uint64_t polynomial;
  int width;
};

constexpr Field field_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::crc32: return {0xEDB88320, 32};
    case Algorithm::crc32c: return {0x82F63B78, 32};
    default: return {0x9A6C9329AC4BC9B5, 64};
  }
}

// a * b modulo the polynomial, all reflected.
std::uint64_t multiply(Field field, std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  for (std::uint64_t bit = std::uint64_t{1} << (field.width - 1); bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = b & 1 ? b >> 1 ^ field.polynomial : b >> 1;
  }
  return product;
}

// x^exponent modulo the polynomial.
std::uint64_t power_of_x(Field field, std::uint64_t exponent) {
  std::uint64_t result = std::uint64_t{1} << (field.width - 1), square = result >> 1;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(field, result, square);
    square = multiply(field, square, square);
  }
  return result;
}

// Eight tables: eight bytes of input in one step.
struct Tables64 {
  std::array<std::array<std::uint64_t, 256>, 8> table;
  Tables64() {
    constexpr std::uint64_t polynomial = field_of(Algorithm::crc64nvme).polynomial;
    for (std::uint64_t byte = 0; byte < 256; ++byte) {
      std::uint64_t crc = byte;
      for (int bit = 0; bit < 8; ++bit)
        crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
      table[0][byte] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k) {
      for (std::size_t byte = 0; byte < 256; ++byte) {
        table[k][byte] = table[k - 1][byte] >> 8 ^ table[0][table[k - 1][byte] & 255];
      }
    }
  }
};

const Tables64& tables64() {
  static const Tables64 tables;
  return tables;
}

// The register of the CRC (not inverted) after the bytes.
std::uint64_t crc64_by_table(std::uint64_t state, const unsigned char* p, std::size_t n) {
  const auto& table = tables64().table;
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t word;
    __builtin_memcpy(&word, p, 8);
    state ^= word;
    state = table[7][state & 255] ^ table[6][state >> 8 & 255] ^ table[5][state >> 16 & 255] ^
            table[4][state >> 24 & 255] ^ table[3][state >> 32 & 255] ^ table[2][state >> 40 & 255] ^
            table[1][state >> 48 & 255] ^ table[0][state >> 56];
  }
  for (; n != 0; --n)
    state = state >> 8 ^ table[0][(state ^ *p++) & 255];
  return state;
}

#if defined(__x86_64__)
using Lane = long long __attribute__((vector_size(16)));

// Folding: a register of 128 bits stands for the message so far modulo the polynomial. Carried over D
// further bits, its first eight bytes (the higher powers) are worth x^(D+64), the other eight x^D. The
// product of two reflected factors comes out multiplied by x once, hence the exponents less one.
struct FoldFactors {
  Lane by_512, by_128;
  FoldFactors() {
    constexpr Field field = field_of(Algorithm::crc64nvme);
    auto factors = [&](std::uint64_t distance) {
      return Lane{static_cast<long long>(power_of_x(field, distance + 63)),
                  static_cast<long long>(power_of_x(field, distance - 1))};
    };
    by_512 = factors(512);
    by_128 = factors(128);
  }
};

__attribute__((target("pclmul,sse2"))) Lane fold(Lane state, Lane factors, Lane next) {
  Lane first = __builtin_ia32_pclmulqdq128(state, factors, 0x00);
  Lane second = __builtin_ia32_pclmulqdq128(state, factors, 0x11);
  return first ^ second ^ next;
}

__attribute__((target("pclmul,sse2"))) std::uint64_t crc64_by_folding(std::uint64_t state,
                                                                      const unsigned char* p, std::size_t n) {
  static const FoldFactors factors;
  auto load = [](const unsigned char* at) {
    Lane lane;
    __builtin_memcpy(&lane, at, 16);
    return lane;
  };
  Lane a = load(p) ^ Lane { static_cast<long long>(state), 0 };
  Lane b = load(p + 16), c = load(p + 32), d = load(p + 48);
  for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
    a = fold(a, factors.by_512, load(p));
    b = fold(b, factors.by_512, load(p + 16));
    c = fold(c, factors.by_512, load(p + 32));
    d = fold(d, factors.by_512, load(p + 48));
  }
  a = fold(a, factors.by_128, b);
  a = fold(a, factors.by_128, c);
  a = fold(a, factors.by_128, d);
  for (; n >= 16; p += 16, n -= 16)
    a = fold(a, factors.by_128, load(p));
  unsigned char folded[16];
  __builtin_memcpy(folded, &a, 16);
  return crc64_by_table(crc64_by_table(0, folded, 16), p, n);
}

bool can_fold() {
  static const bool answer = __builtin_cpu_supports("pclmul");
  return answer;
}
#endif

}  // namespace

std::uint32_t crc32(std::uint32_t crc, std::string_view bytes) {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) {
  // ISA-L takes a non-const pointer and an int, and leaves both inversions to the caller
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, 1 << 30);
    crc = ~crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data())),
                       static_cast<int>(piece.size()), ~crc);
    bytes.remove_prefix(piece.size());
  }
  return crc;
}

std::uint64_t crc64nvme(std::uint64_t crc, std::string_view bytes) {
  auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
#if defined(__x86_64__)
  if (bytes.size() >= 128 && can_fold()) return ~crc64_by_folding(~crc, p, bytes.size());
#endif
  return ~crc64_by_table(~crc, p, bytes.size());
}

std::string_view algorithm_name(Algorithm algorithm) {
  return kNames[static_cast<std::size_t>(algorithm)];
}

std::string_view algorithm_header(Algorithm algorithm) {
  return kHeaders[static_cast<std::size_t>(algorithm)];
}

std::optional<Algorithm> algorithm_of_name(std::string_view name) {
  for (std::size_t i = 0; i < kAlgorithms; ++i) {
    if (equal_ignoring_case(kNames[i], name)) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

std::uint64_t combine(Algorithm algorithm, std::uint64_t crc_a, std::uint64_t crc_b, std::uint64_t size_b) {
  Field field = field_of(algorithm);
  return multiply(field, power_of_x(field, size_b * 8), crc_a) ^ crc_b;
}

std::string crc_bytes(Algorithm algorithm, std::uint64_t crc) {
  std::string out;
  for (int shift = field_of(algorithm).width - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(crc >> shift);
  return out;
}

std::uint64_t crc_value(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char c : bytes)
    value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, kind, nullptr);
  return {reinterpret_cast<char*>(out), size};
}

void Digests::begin(Context& context, const EVP_MD* kind) {
  if (!context) context.reset(EVP_MD_CTX_new());
  EVP_DigestInit_ex(context.get(), kind, nullptr);
}

std::string Digests::end(Context& context) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

void Digests::start(std::optional<Algorithm> wanted, bool md5, bool sha256) {
  wanted_ = wanted;
  crc64nvme_ = 0;
  crc32_ = crc32c_ = 0;
  wants_md5_ = md5;
  wants_sha1_ = wanted == Algorithm::sha1;
  wants_sha256_ = sha256 || wanted == Algorithm::sha256;
  if (wants_md5_) begin(md5_context_, EVP_md5());
  if (wants_sha1_) begin(sha1_context_, EVP_sha1());
  if (wants_sha256_) begin(sha256_context_, EVP_sha256());
}

void Digests::update(std::string_view bytes) {
  crc64nvme_ = fakes3::crc64nvme(crc64nvme_, bytes);
  if (wanted_ == Algorithm::crc32) crc32_ = fakes3::crc32(crc32_, bytes);
  if (wanted_ == Algorithm::crc32c) crc32c_ = fakes3::crc32c(crc32c_, bytes);
  if (wants_md5_) EVP_DigestUpdate(md5_context_.get(), bytes.data(), bytes.size());
  if (wants_sha1_) EVP_DigestUpdate(sha1_context_.get(), bytes.data(), bytes.size());
  if (wants_sha256_) EVP_DigestUpdate(sha256_context_.get(), bytes.data(), bytes.size());
}

void Digests::finish() {
  if (wants_md5_) md5_ = end(md5_context_);
  if (wants_sha1_) sha1_ = end(sha1_context_);
  if (wants_sha256_) sha256_ = end(sha256_context_);
}

std::string Digests::value(Algorithm algorithm) const {
  switch (algorithm) {
    case Algorithm::crc32: return crc_bytes(algorithm, crc32_);
    case Algorithm::crc32c: return crc_bytes(algorithm, crc32c_);
    case Algorithm::crc64nvme: return crc_bytes(algorithm, crc64nvme_);
    case Algorithm::sha1: return sha1_;
    case Algorithm::sha256: return sha256_;
  }
  return {};
}

}  // namespace haul::fakes3
