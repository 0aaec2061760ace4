#include "plugin-shim/client/state_directory.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace hearth::client {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::filesystem::path home() {
  if (!variable("HOME").empty()) return variable("HOME");
  const passwd* entry = getpwuid(getuid());
  return entry == nullptr ? "/" : entry->pw_dir;
}

}  // namespace

std::filesystem::path state_directory() {
  if (!variable("HEARTH_STATE_DIR").empty()) return variable("HEARTH_STATE_DIR");
  if (!variable("XDG_STATE_HOME").empty())
    return std::filesystem::path(variable("XDG_STATE_HOME")) / "hearth";
  return home() / ".local" / "state" / "hearth";
}

std::filesystem::path log_file() { return state_directory() / "hearthd.log"; }

}  // namespace hearth::client
