// Plain write(2): `hearth pytest` should not pay for streams that it does not use.
#include <unistd.h>

#include <cerrno>

#include "plugin-shim/launcher/commands.h"

namespace hearth::launcher {
namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

int complain(std::string_view message, int code) {
  std::string line = "hearth: ";
  line += message;
  line += '\n';
  write_all(STDERR_FILENO, line);
  return code;
}

bool print(std::string_view text) { return write_all(STDOUT_FILENO, text); }

}  // namespace hearth::launcher
