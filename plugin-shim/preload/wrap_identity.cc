// What makes one process differ from another: its id, and random bytes; and the threads that it
// starts. Nothing is recorded here; whoever listens finds out who has asked. libc's calls of itself
// (mkstemp, arc4random) are not seen.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>

#include "plugin-shim/preload/gate.h"
#include "plugin-shim/preload/identity.h"
#include "plugin-shim/preload/next.h"

namespace hearth::recorder {
namespace {

std::atomic<IdentityListener> listener{nullptr};

// In the static block: asking for it allocates nothing.
__attribute__((tls_model("initial-exec"))) thread_local bool is_telling = false;

// Whether this thread is not in the record just now (a signal handler's call).
bool may_tell() {
  if (!is_open.load(std::memory_order_relaxed) || is_telling) return false;
  const Passage passage;
  return static_cast<bool>(passage);
}

}  // namespace

void identity_taken(Identity identity, const void* caller) {
  const IdentityListener tell = listener.load(std::memory_order_relaxed);
  if (tell == nullptr || !may_tell()) return;
  const int error = errno;
  is_telling = true;
  tell(identity, caller);
  is_telling = false;
  errno = error;
}

void listen_to_identities(IdentityListener tell) { listener.store(tell); }

}  // namespace hearth::recorder

using hearth::recorder::Identity;
using hearth::recorder::identity_taken;

HEARTH_WRAPPER pid_t getpid() noexcept {
  HEARTH_NEXT(getpid);
  identity_taken(Identity::process_id, __builtin_return_address(0));
  return next();
}

HEARTH_WRAPPER ssize_t getrandom(void* buffer, std::size_t size, unsigned flags) {
  HEARTH_NEXT(getrandom);
  identity_taken(Identity::random_bytes, __builtin_return_address(0));
  return next(buffer, size, flags);
}

HEARTH_WRAPPER int getentropy(void* buffer, std::size_t size) {
  HEARTH_NEXT(getentropy);
  identity_taken(Identity::random_bytes, __builtin_return_address(0));
  return next(buffer, size);
}

// How programs ask that were built for an older libc, and Python's os.getrandom.
HEARTH_WRAPPER long syscall(long number, ...) noexcept {
  HEARTH_NEXT(syscall);
  if (number == SYS_getrandom) identity_taken(Identity::random_bytes, __builtin_return_address(0));
  if (number == SYS_getpid) identity_taken(Identity::process_id, __builtin_return_address(0));
  std::array<long, 6> given{};
  va_list arguments;
  va_start(arguments, number);
  // It is begun above: NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized)
  for (long& each : given) each = va_arg(arguments, long);
  va_end(arguments);
  return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

HEARTH_WRAPPER int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                  void* (*function)(void*), void* argument) noexcept {
  HEARTH_NEXT(pthread_create);
  identity_taken(Identity::thread, __builtin_return_address(0));
  return next(thread, attributes, function, argument);
}

// libuuid's, which Python's uuid1 uses: made of the time and of what libuuid knows since its first
// call.
extern "C" int uuid_generate_time_safe(unsigned char* uuid);

HEARTH_WRAPPER int uuid_generate_time_safe(unsigned char* uuid) {
  // It was loaded for Python's module alone: it does not come after this library.
  static const auto next = [] {
    void* library = dlopen("libuuid.so.1", RTLD_LAZY | RTLD_NOLOAD);
    return reinterpret_cast<decltype(&::uuid_generate_time_safe)>(
        library == nullptr ? nullptr : dlsym(library, "uuid_generate_time_safe"));
  }();
  identity_taken(Identity::uuid, __builtin_return_address(0));
  return next == nullptr ? -1 : next(uuid);
}
