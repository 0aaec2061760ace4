#include "plugin-shim/client/wait_line.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace hearth::client {
namespace {

constexpr const char* kErase = "\r\x1b[K";
constexpr std::size_t kUsualColumns = 80;

bool knows_how_to_erase(const char* terminal) {
  return terminal != nullptr && *terminal != '\0' && std::strcmp(terminal, "dumb") != 0;
}

// Whoever writes from the background is stopped, or disturbs somebody.
bool is_in_foreground() { return tcgetpgrp(STDERR_FILENO) == getpgrp(); }

std::size_t columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

const char* what_is_built(protocol::Stage stage) {
  switch (stage) {
    case protocol::Stage::interpreter:
      return "starting python";
    case protocol::Stage::preloaded:
      return "importing modules";
    case protocol::Stage::configured:
      return "loading plugins and conftests";
    case protocol::Stage::started:
      return "starting the session";
    case protocol::Stage::gathered:
    case protocol::Stage::selected:
      return "collecting tests";
    case protocol::Stage::main:
      break;  // no run of pytest waits for it
  }
  return "starting";
}

void write_to_terminal(const std::string& text) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

std::string wait_text(const protocol::RunWaits& waits, std::size_t columns) {
  std::string text = std::string("hearth: ") + what_is_built(waits.stage);
  if (const auto seconds = waits.waited_ms / 1000; seconds > 0)
    text += " (" + std::to_string(seconds) + " s)";
  // The last column stays free: some terminals go on to the next line there.
  if (text.size() >= columns) text.resize(columns > 0 ? columns - 1 : 0);
  return text;
}

WaitLine::WaitLine()
    : is_possible_(isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1 &&
                   knows_how_to_erase(std::getenv("TERM"))) {}

void WaitLine::show(const protocol::RunWaits& waits) {
  if (!is_possible_ || !is_in_foreground()) return;
  is_shown_ = true;
  write_to_terminal(kErase + wait_text(waits, columns()));
}

void WaitLine::erase() {
  if (std::exchange(is_shown_, false)) write_to_terminal(kErase);
}

}  // namespace hearth::client
