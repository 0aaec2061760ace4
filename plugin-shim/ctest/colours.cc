#include "plugin-shim/ctest/colours.h"

#include <unistd.h>

namespace hearth::ctest {
namespace {

constexpr Version kWholeLines{4, 5};

bool is_on(const char* value) {
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

bool wanted(Variable variable, bool newer) {
  if (newer && is_on(variable("NO_COLOR"))) return false;
  if (is_on(variable("CLICOLOR_FORCE"))) return true;
  const char* const colour = variable("CLICOLOR");
  if (colour != nullptr && std::string_view(colour) == "0") return false;
  const char* const output_of_make = variable("MAKE_TERMOUT");
  if (newer && output_of_make != nullptr && *output_of_make != '\0') return true;
  return is_capable_terminal(variable);
}

}  // namespace

bool is_capable_terminal(Variable variable) {
  const char* const terminal = variable("TERM");
  return terminal != nullptr && std::string_view(terminal) != "dumb" && isatty(STDOUT_FILENO) == 1;
}

Colours::Colours(Variable variable, Version version)
    : on_(wanted(variable, version >= kWholeLines)), whole_lines_(version >= kWholeLines) {}

std::string Colours::begin(Colour colour) const {
  if (!on_) return {};
  return (whole_lines_ ? "\033[3" : "\033[0;3") + std::to_string(static_cast<int>(colour)) + "m";
}

std::string Colours::end() const {
  if (!on_) return {};
  return whole_lines_ ? "\033[0m" : "\033[0;0m";
}

}  // namespace hearth::ctest
