// A process's place among the others: who asks for it before main, and a session of its own.
#include <unistd.h>

#include <cerrno>

#include "plugin-shim/preload/command_child.h"
#include "plugin-shim/preload/identity.h"
#include "plugin-shim/preload/next.h"

using hearth::recorder::Identity;
using hearth::recorder::identity_taken;

HEARTH_WRAPPER pid_t getppid() noexcept {
  HEARTH_NEXT(getppid);
  identity_taken(Identity::process_id, __builtin_return_address(0));
  return next();
}

HEARTH_WRAPPER pid_t gettid() noexcept {
  HEARTH_NEXT(gettid);
  identity_taken(Identity::process_id, __builtin_return_address(0));
  return next();
}

HEARTH_WRAPPER pid_t getpgrp() noexcept {
  HEARTH_NEXT(getpgrp);
  identity_taken(Identity::process_id, __builtin_return_address(0));
  return next();
}

HEARTH_WRAPPER pid_t getpgid(pid_t process) noexcept {
  HEARTH_NEXT(getpgid);
  identity_taken(Identity::process_id, __builtin_return_address(0));
  return next(process);
}

HEARTH_WRAPPER pid_t getsid(pid_t process) noexcept {
  HEARTH_NEXT(getsid);
  identity_taken(Identity::process_id, __builtin_return_address(0));
  return next(process);
}

// No leader of a process group can have a session of its own; a command leads one since it was
// forked, and never asked for it.
HEARTH_WRAPPER pid_t setsid() noexcept {
  HEARTH_NEXT(setsid);
  const pid_t session = next();
  if (session >= 0 || errno != EPERM || !hearth::zygote::leave_group()) return session;
  return next();
}
