#include "plugin-shim/client/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>

namespace hearth::client {

bool can_erase(int fd, const char* terminal_type) {
  return isatty(fd) == 1 && terminal_type != nullptr && *terminal_type != '\0' &&
         std::strcmp(terminal_type, "dumb") != 0;
}

bool is_in_foreground(int fd) { return tcgetpgrp(fd) == getpgrp(); }

std::size_t columns_of(int fd) {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

}  // namespace hearth::client
