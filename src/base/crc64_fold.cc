// Folding, in short. A lane of 128 bits is the polynomial L * x^64 + H, where L holds the first eight bytes.
// Moving it D bits to the front of the message means multiplying it by x^D, and modulo the CRC's polynomial
//
//     L * x^(D+64) + H * x^D
//
// are two carry-less 64 by 64 products with constants, whose sum again fits one lane: it can be added to the
// lane that lies D bits further on. Several lanes side by side hide the latency of the multiplier. The
// product of two reflected numbers comes out one place too low, that is multiplied by x, hence D-1 and D+63
// below. At the end the one lane that is left is sixteen bytes of a message with the same CRC: the table
// finishes it.
#include "base/crc64_fold.h"

#include "base/crc_polynomial.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HAUL_TARGET_CLMUL __attribute__((target("pclmul,sse4.1")))
#define HAUL_TARGET_WIDE __attribute__((target("pclmul,sse4.1,avx512f,avx512vl,vpclmulqdq")))
#elif defined(__aarch64__)
#include <arm_neon.h>
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#define HAUL_TARGET_CLMUL __attribute__((target("aes")))
#endif

namespace haul {
namespace {

using Polynomial = Crc64NvmePolynomial;

struct FoldConstants {
  std::uint64_t first;   // for the first eight bytes of a lane
  std::uint64_t second;  // for the other eight
};

constexpr FoldConstants fold_by_bytes(std::uint64_t bytes) {
  return {Polynomial::x_to(8 * bytes + 63), Polynomial::x_to(8 * bytes - 1)};
}

constexpr std::size_t kLane = 16;

}  // namespace

#if defined(HAUL_TARGET_CLMUL)
namespace {

#if defined(__x86_64__)
using Lane = __m128i;

HAUL_TARGET_CLMUL inline Lane load_lane(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
HAUL_TARGET_CLMUL inline void store_lane(std::byte* to, Lane lane) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), lane);
}
HAUL_TARGET_CLMUL inline Lane make_lane(std::uint64_t first, std::uint64_t second) {
  return _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first));
}
HAUL_TARGET_CLMUL inline Lane add(Lane a, Lane b) {
  return _mm_xor_si128(a, b);
}
HAUL_TARGET_CLMUL inline Lane fold(Lane lane, Lane by) {
  return add(_mm_clmulepi64_si128(lane, by, 0x00), _mm_clmulepi64_si128(lane, by, 0x11));
}
#else
using Lane = uint64x2_t;

HAUL_TARGET_CLMUL inline Lane load_lane(const std::byte* from) {
  return vreinterpretq_u64_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(from)));
}
HAUL_TARGET_CLMUL inline void store_lane(std::byte* to, Lane lane) {
  vst1q_u8(reinterpret_cast<std::uint8_t*>(to), vreinterpretq_u8_u64(lane));
}
HAUL_TARGET_CLMUL inline Lane make_lane(std::uint64_t first, std::uint64_t second) {
  return vcombine_u64(vcreate_u64(first), vcreate_u64(second));
}
HAUL_TARGET_CLMUL inline Lane add(Lane a, Lane b) {
  return veorq_u64(a, b);
}
HAUL_TARGET_CLMUL inline Lane fold(Lane lane, Lane by) {
  const poly64x2_t a = vreinterpretq_p64_u64(lane);
  const poly64x2_t b = vreinterpretq_p64_u64(by);
  return add(vreinterpretq_u64_p128(vmull_p64(vgetq_lane_p64(a, 0), vgetq_lane_p64(b, 0))),
             vreinterpretq_u64_p128(vmull_high_p64(a, b)));
}
#endif

HAUL_TARGET_CLMUL inline Lane lane_of(FoldConstants by) {
  return make_lane(by.first, by.second);
}

// Takes one lane to the end of the message: whole lanes by folding, what remains by table.
HAUL_TARGET_CLMUL inline std::uint64_t finish_lane(Lane lane, const std::byte* data, std::size_t size) {
  constexpr FoldConstants kNext = fold_by_bytes(kLane);
  const Lane by = lane_of(kNext);
  for (; size >= kLane; data += kLane, size -= kLane)
    lane = add(fold(lane, by), load_lane(data));
  std::array<std::byte, kLane> last;
  store_lane(last.data(), lane);
  return Polynomial::advance(Polynomial::advance(0, last.data(), kLane), data, size);
}

}  // namespace

HAUL_TARGET_CLMUL std::uint64_t crc64nvme_fold(std::uint64_t state, const std::byte* data,
                                               std::size_t size) noexcept {
  constexpr std::size_t kLanes = 8;
  constexpr std::size_t kStride = kLanes * kLane;
  constexpr FoldConstants kByStride = fold_by_bytes(kStride);
  constexpr FoldConstants kByLane = fold_by_bytes(kLane);

  const Lane start = make_lane(state, 0);
  if (size < 2 * kStride) return finish_lane(add(load_lane(data), start), data + kLane, size - kLane);

  std::array<Lane, kLanes> lanes;
  for (std::size_t i = 0; i < kLanes; ++i)
    lanes[i] = load_lane(data + i * kLane);
  lanes[0] = add(lanes[0], start);
  const Lane by_stride = lane_of(kByStride);
  for (data += kStride, size -= kStride; size >= kStride; data += kStride, size -= kStride) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i] = add(fold(lanes[i], by_stride), load_lane(data + i * kLane));
    }
  }
  const Lane by_lane = lane_of(kByLane);
  for (std::size_t i = 1; i < kLanes; ++i)
    lanes[i] = add(fold(lanes[i - 1], by_lane), lanes[i]);
  return finish_lane(lanes[kLanes - 1], data, size);
}
#else
std::uint64_t crc64nvme_fold(std::uint64_t state, const std::byte* data, std::size_t size) noexcept {
  return Polynomial::advance(state, data, size);
}
#endif

#if defined(HAUL_TARGET_WIDE)
namespace {

HAUL_TARGET_WIDE inline __m512i load_wide(const std::byte* from) {
  return _mm512_loadu_si512(from);
}
HAUL_TARGET_WIDE inline __m512i fold_onto(__m512i lanes, __m512i by, __m512i onto) {
  constexpr int kXorOfThree = 0x96;
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(lanes, by, 0x00),
                                   _mm512_clmulepi64_epi128(lanes, by, 0x11), onto, kXorOfThree);
}

}  // namespace

HAUL_TARGET_WIDE std::uint64_t crc64nvme_fold_wide(std::uint64_t state, const std::byte* data,
                                                   std::size_t size) noexcept {
  constexpr std::size_t kVector = 64;
  constexpr std::size_t kVectors = 4;
  constexpr std::size_t kStride = kVectors * kVector;
  constexpr FoldConstants kByStride = fold_by_bytes(kStride);
  constexpr FoldConstants kByVector = fold_by_bytes(kVector);
  constexpr FoldConstants kByLane = fold_by_bytes(kLane);
  if (size < 2 * kStride) return crc64nvme_fold(state, data, size);

  std::array<__m512i, kVectors> vectors;
  for (std::size_t i = 0; i < kVectors; ++i)
    vectors[i] = load_wide(data + i * kVector);
  vectors[0] = _mm512_xor_si512(vectors[0], _mm512_zextsi128_si512(make_lane(state, 0)));
  const __m512i by_stride = _mm512_broadcast_i32x4(lane_of(kByStride));
  for (data += kStride, size -= kStride; size >= kStride; data += kStride, size -= kStride) {
    for (std::size_t i = 0; i < kVectors; ++i) {
      vectors[i] = fold_onto(vectors[i], by_stride, load_wide(data + i * kVector));
    }
  }
  const __m512i by_vector = _mm512_broadcast_i32x4(lane_of(kByVector));
  for (std::size_t i = 1; i < kVectors; ++i)
    vectors[i] = fold_onto(vectors[i - 1], by_vector, vectors[i]);

  const __m512i last = vectors[kVectors - 1];
  const Lane by_lane = lane_of(kByLane);
  Lane lane = _mm512_castsi512_si128(last);
  lane = add(fold(lane, by_lane), _mm512_extracti32x4_epi32(last, 1));
  lane = add(fold(lane, by_lane), _mm512_extracti32x4_epi32(last, 2));
  lane = add(fold(lane, by_lane), _mm512_extracti32x4_epi32(last, 3));
  return finish_lane(lane, data, size);
}
#else
std::uint64_t crc64nvme_fold_wide(std::uint64_t state, const std::byte* data, std::size_t size) noexcept {
  return crc64nvme_fold(state, data, size);
}
#endif

Crc64Fold crc64_fold_available() noexcept {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("sse4.1")) return Crc64Fold::none;
  const bool wide = __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f") &&
                    __builtin_cpu_supports("avx512vl");
  return wide ? Crc64Fold::wide : Crc64Fold::narrow;
#elif defined(__aarch64__) && defined(__linux__)
  static const bool has_pmull = (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
  return has_pmull ? Crc64Fold::narrow : Crc64Fold::none;
#else
  return Crc64Fold::none;
#endif
}

}  // namespace haul
