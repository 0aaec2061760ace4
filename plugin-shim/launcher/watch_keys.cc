#include "plugin-shim/launcher/watch_keys.h"

#include <poll.h>
#include <unistd.h>

#include <utility>

namespace hearth::launcher {

WatchKeys::WatchKeys() {
  termios mode{};
  if (tcgetattr(STDIN_FILENO, &mode) == 0) usual_ = mode;
}

bool WatchKeys::begin() {
  if (!usual_ || tcgetpgrp(STDIN_FILENO) != getpgrp()) return false;
  termios mode = *usual_;
  mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  is_on_ = tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
  return is_on_;
}

void WatchKeys::end() {
  if (std::exchange(is_on_, false)) tcsetattr(STDIN_FILENO, TCSADRAIN, &*usual_);
}

char WatchKeys::take() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (!is_on_ || poll(&input, 1, 0) <= 0) return '\0';
  char key = '\0';
  return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

}  // namespace hearth::launcher
