#include "plugin-shim/client/wait_line.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "plugin-shim/client/terminal.h"

namespace hearth::client {
namespace {

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
    : is_possible_(isatty(STDOUT_FILENO) == 1 && can_erase(STDERR_FILENO, std::getenv("TERM"))) {}

void WaitLine::show(const protocol::RunWaits& waits) {
  if (!is_possible_ || !is_in_foreground(STDERR_FILENO)) return;
  is_shown_ = true;
  write_to_terminal(kEraseLine + wait_text(waits, columns_of(STDERR_FILENO)));
}

void WaitLine::erase() {
  if (std::exchange(is_shown_, false)) write_to_terminal(kEraseLine);
}

}  // namespace hearth::client
