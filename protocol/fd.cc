#include "protocol/fd.h"

#include <fcntl.h>
#include <unistd.h>

namespace hearth::protocol {

void Fd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  // Not repeated after EINTR: on Linux the descriptor is gone by then, and its number may be
  // someone else's.
  if (old >= 0) ::close(old);
}

Fd Fd::duplicate() const { return Fd(::fcntl(fd_, F_DUPFD_CLOEXEC, 0)); }

}  // namespace hearth::protocol
