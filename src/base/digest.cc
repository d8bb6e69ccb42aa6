#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.h"

// OpenSSL 3 deprecates SHA256_Init and its kin in favour of EVP, where a context costs an allocation, a
// lookup and two indirections. Signing a request hashes four short texts: EVP doubles its price and more. The
// functions are the same code underneath, and are still in OpenSSL 3.5.
#pragma clang diagnostic ignored "-Wdeprecated-declarations"

namespace haul {
namespace {

struct Algorithm {
  const char* name;
  std::size_t size;
};

constexpr Algorithm algorithm_facts(DigestAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case DigestAlgorithm::md5: return {"MD5", 16};
    case DigestAlgorithm::sha1: return {"SHA1", 20};
    case DigestAlgorithm::sha256: break;
  }
  return {"SHA256", 32};
}

[[noreturn]] void throw_openssl_error(ErrorClass error_class, std::string message) {
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    message.append(": ").append(text.data());
  }
  ERR_clear_error();
  throw Error(error_class, std::move(message));
}

void require(int ok) {
  if (ok != 1) throw_openssl_error(ErrorClass::internal, "a digest could not be computed");
}

struct FreeAlgorithm {
  void operator()(EVP_MD* algorithm) const noexcept { EVP_MD_free(algorithm); }
};

}  // namespace

std::size_t digest_size(DigestAlgorithm algorithm) noexcept {
  return algorithm_facts(algorithm).size;
}

void Digest::FreeContext::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Digest::Digest(DigestAlgorithm algorithm) : context_(EVP_MD_CTX_new()), algorithm_(algorithm) {
  if (!context_) throw Error(ErrorClass::exhausted, "no memory for a digest");
  const char* name = algorithm_facts(algorithm).name;
  const std::unique_ptr<EVP_MD, FreeAlgorithm> fetched(EVP_MD_fetch(nullptr, name, nullptr));
  if (!fetched) {
    throw_openssl_error(ErrorClass::unsupported, std::string("OpenSSL offers no ") + name + " here");
  }
  require(EVP_DigestInit_ex2(context_.get(), fetched.get(), nullptr));  // keeps its own reference
}

void Digest::update(ByteView data) {
  require(EVP_DigestUpdate(context_.get(), data.data(), data.size()));
}

void Digest::finish(std::span<std::byte> out) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size));
  if (out.size() < size) throw Error(ErrorClass::internal, "a digest was asked for with too little room");
  std::memcpy(out.data(), bytes.data(), size);
  reset();
}

void Digest::reset() {
  require(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr));
}

Sha256::Sha256() noexcept {
  SHA256_Init(&state_);
}

void Sha256::update(ByteView data) noexcept {
  SHA256_Update(&state_, data.data(), data.size());
}

Sha256Bytes Sha256::finish() && noexcept {
  Sha256Bytes bytes;
  SHA256_Final(reinterpret_cast<unsigned char*>(bytes.data()), &state_);
  return bytes;
}

Sha256Bytes sha256(ByteView data) noexcept {
  Sha256 hash;
  hash.update(data);
  return std::move(hash).finish();
}

HmacSha256Key::HmacSha256Key(ByteView key) noexcept {
  constexpr std::size_t kBlock = 64;
  std::array<std::byte, kBlock> pad{};
  if (key.size() > kBlock) {
    const Sha256Bytes shortened = sha256(key);
    std::copy(shortened.begin(), shortened.end(), pad.begin());
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (std::byte& b : pad)
    b ^= std::byte{0x36};
  inner_.update(pad);
  for (std::byte& b : pad)
    b ^= std::byte{0x36} ^ std::byte{0x5c};
  outer_.update(pad);
  OPENSSL_cleanse(pad.data(), pad.size());
}

HmacSha256Key::~HmacSha256Key() {
  OPENSSL_cleanse(&inner_, sizeof inner_);
  OPENSSL_cleanse(&outer_, sizeof outer_);
}

Sha256Bytes HmacSha256Key::sign(ByteView message) const noexcept {
  Sha256 inner = inner_;
  inner.update(message);
  Sha256 outer = outer_;
  outer.update(std::move(inner).finish());
  return std::move(outer).finish();
}

}  // namespace haul
