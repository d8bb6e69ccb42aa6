// Arithmetic of reflected CRCs whose register starts and ends inverted (all ones), for any width:
// the slicing tables, the portable update, and the polynomial products behind folding and combining.
//
// In the reflected representation the lowest bit carries the highest power of x, so multiplying by x is a
// shift to the right, and `one` is the highest bit.
#pragma once
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace haul {

static_assert(std::endian::native == std::endian::little, "the CRC code reads words in little-endian order");

template <std::unsigned_integral Word, Word kPolynomial>
struct CrcPolynomial {
  static constexpr int kBits = 8 * sizeof(Word);
  static constexpr Word kOne = Word{1} << (kBits - 1);

  static constexpr Word times_x(Word a) noexcept {
    return static_cast<Word>((a >> 1) ^ ((a & 1) != 0 ? kPolynomial : 0));
  }

  // a * b modulo the polynomial.
  static constexpr Word multiply(Word a, Word b) noexcept {
    Word product = 0;
    for (Word power = kOne; power != 0; power >>= 1) {
      if ((a & power) != 0) product ^= b;
      b = times_x(b);
    }
    return product;
  }

  // x^(2^k) for each k, so that x^n takes one product per set bit of n.
  static constexpr std::array<Word, 67> kSquares = [] {
    std::array<Word, 67> squares{};
    squares[0] = times_x(kOne);
    for (std::size_t k = 1; k < squares.size(); ++k)
      squares[k] = multiply(squares[k - 1], squares[k - 1]);
    return squares;
  }();

  // x^(n * 2^shift) modulo the polynomial; shift <= 3 lets a length in bytes be given as it is.
  static constexpr Word x_to(std::uint64_t n, std::size_t shift = 0) noexcept {
    Word result = kOne;
    for (std::size_t k = shift; n != 0; n >>= 1, ++k) {
      if ((n & 1) != 0) result = multiply(kSquares[k], result);
    }
    return result;
  }

  // The CRC of A followed by B from the CRCs of both.
  static constexpr Word combine(Word crc_a, Word crc_b, std::uint64_t length_b) noexcept {
    return multiply(x_to(length_b, 3), crc_a) ^ crc_b;
  }

  // kTables[j][b]: the contribution of byte b with j more bytes of the same eight after it.
  static constexpr std::array<std::array<Word, 256>, 8> kTables = [] {
    std::array<std::array<Word, 256>, 8> tables{};
    for (unsigned b = 0; b < 256; ++b) {
      Word value = static_cast<Word>(b);
      for (int bit = 0; bit < 8; ++bit)
        value = times_x(value);
      tables[0][b] = value;
    }
    for (std::size_t j = 1; j < 8; ++j) {
      for (unsigned b = 0; b < 256; ++b) {
        const Word before = tables[j - 1][b];
        tables[j][b] = static_cast<Word>((before >> 8) ^ tables[0][before & 0xff]);
      }
    }
    return tables;
  }();

  // Advances the raw register (not inverted) over the bytes, eight at a time.
  static Word advance(Word state, const std::byte* data, std::size_t size) noexcept {
    for (; size >= 8; data += 8, size -= 8) {
      std::uint64_t word;
      std::memcpy(&word, data, 8);
      word ^= state;
      state = 0;
      for (std::size_t j = 0; j < 8; ++j)
        state ^= kTables[7 - j][(word >> (8 * j)) & 0xff];
    }
    for (; size != 0; ++data, --size) {
      state = static_cast<Word>((state >> 8) ^ kTables[0][(state ^ static_cast<Word>(*data)) & 0xff]);
    }
    return state;
  }

  static Word update(Word crc, ByteView data) noexcept {
    return static_cast<Word>(~advance(static_cast<Word>(~crc), data.data(), data.size()));
  }
};

using Crc32Polynomial = CrcPolynomial<std::uint32_t, 0xEDB88320U>;
using Crc32cPolynomial = CrcPolynomial<std::uint32_t, 0x82F63B78U>;
using Crc64NvmePolynomial = CrcPolynomial<std::uint64_t, 0x9A6C9329AC4BC9B5U>;

}  // namespace haul
