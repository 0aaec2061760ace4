// Who asks for the time: what is asked before main would be the same in every fork. Not in the
// recorder, since interpreters and their modules ask all the time, and mean nothing by it.
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>

#include <ctime>

#include "plugin-shim/preload/identity.h"
#include "plugin-shim/preload/next.h"

using hearth::recorder::Identity;
using hearth::recorder::identity_taken;

HEARTH_WRAPPER time_t time(time_t* result) noexcept {
  HEARTH_NEXT(time);
  identity_taken(Identity::clock, __builtin_return_address(0));
  return next(result);
}

HEARTH_WRAPPER int gettimeofday(timeval* result, void* zone) noexcept {
  HEARTH_NEXT(gettimeofday);
  identity_taken(Identity::clock, __builtin_return_address(0));
  return next(result, zone);
}

HEARTH_WRAPPER int clock_gettime(clockid_t clock, timespec* result) noexcept {
  HEARTH_NEXT(clock_gettime);
  identity_taken(Identity::clock, __builtin_return_address(0));
  return next(clock, result);
}

HEARTH_WRAPPER int timespec_get(timespec* result, int base) noexcept {
  HEARTH_NEXT(timespec_get);
  identity_taken(Identity::clock, __builtin_return_address(0));
  return next(result, base);
}

HEARTH_WRAPPER clock_t clock() noexcept {
  HEARTH_NEXT(clock);
  identity_taken(Identity::clock, __builtin_return_address(0));
  return next();
}

HEARTH_WRAPPER clock_t times(tms* result) noexcept {
  HEARTH_NEXT(times);
  identity_taken(Identity::clock, __builtin_return_address(0));
  return next(result);
}

HEARTH_WRAPPER int sysinfo(struct sysinfo* result) noexcept {
  HEARTH_NEXT(sysinfo);
  identity_taken(Identity::clock, __builtin_return_address(0));
  return next(result);
}

HEARTH_WRAPPER int getrusage(__rusage_who_t who, rusage* result) noexcept {
  HEARTH_NEXT(getrusage);
  identity_taken(Identity::clock, __builtin_return_address(0));
  return next(who, result);
}

// std::random_device of a libstdc++ that is linked dynamically: it asks the processor itself. The
// name is that of random_device::_M_init(std::string const&).
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" void _ZNSt13random_device7_M_initERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE(
    void* device, const void* token);

HEARTH_WRAPPER void
_ZNSt13random_device7_M_initERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE(
    void* device, const void* token) {
  HEARTH_NEXT(_ZNSt13random_device7_M_initERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE);
  identity_taken(Identity::random_bytes, __builtin_return_address(0));
  next(device, token);
}
// NOLINTEND(bugprone-reserved-identifier)
