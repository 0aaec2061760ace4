// Who asks for random bytes in ways that only native programs know (see wrap_identity.cc).
#include <sys/auxv.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "plugin-shim/preload/identity.h"
#include "plugin-shim/preload/next.h"

using hearth::recorder::Identity;
using hearth::recorder::identity_taken;

// libc's since 2.36. NOLINTBEGIN(readability-redundant-declaration)
extern "C" std::uint32_t arc4random() noexcept;
extern "C" std::uint32_t arc4random_uniform(std::uint32_t bound) noexcept;
extern "C" void arc4random_buf(void* buffer, std::size_t size) noexcept;
// NOLINTEND(readability-redundant-declaration)

HEARTH_WRAPPER std::uint32_t arc4random() noexcept {
  HEARTH_NEXT(arc4random);
  identity_taken(Identity::random_bytes, __builtin_return_address(0));
  return next();
}

HEARTH_WRAPPER std::uint32_t arc4random_uniform(std::uint32_t bound) noexcept {
  HEARTH_NEXT(arc4random_uniform);
  identity_taken(Identity::random_bytes, __builtin_return_address(0));
  return next(bound);
}

HEARTH_WRAPPER void arc4random_buf(void* buffer, std::size_t size) noexcept {
  HEARTH_NEXT(arc4random_buf);
  identity_taken(Identity::random_bytes, __builtin_return_address(0));
  return next(buffer, size);
}

HEARTH_WRAPPER char* tmpnam(char* buffer) noexcept {
  HEARTH_NEXT(tmpnam);
  identity_taken(Identity::random_bytes, __builtin_return_address(0));
  return next(buffer);
}

HEARTH_WRAPPER char* tempnam(const char* directory, const char* prefix) noexcept {
  HEARTH_NEXT(tempnam);
  identity_taken(Identity::random_bytes, __builtin_return_address(0));
  return next(directory, prefix);
}

HEARTH_WRAPPER unsigned long getauxval(unsigned long type) noexcept {
  HEARTH_NEXT(getauxval);
  if (type == AT_RANDOM) identity_taken(Identity::random_bytes, __builtin_return_address(0));
  return next(type);
}
