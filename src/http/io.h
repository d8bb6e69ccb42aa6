// What a call on a non-blocking socket came to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace haul::http {

enum class IoState : std::uint8_t {
  done,        // bytes were moved
  wait_read,   // nothing can be done before the socket is readable
  wait_write,  // ... writable
  closed,      // the peer has closed its side, in order
  failed,      // broken; whoever gave it knows the reason
};

struct Io {
  IoState state;
  std::size_t bytes = 0;
};

}  // namespace haul::http
