#include "plugin-shim/launcher/plain_run.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "plugin-shim/client/this_process.h"
#include "plugin-shim/launcher/commands.h"

namespace hearth::launcher {
namespace {

bool is_on(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

// Whether a plugin may be there that would hand the run over to us, again.
bool asks_for_hearth(const std::vector<std::string>& command) {
  const char* options = std::getenv("PYTEST_ADDOPTS");
  return is_on("HEARTH") ||
         (options != nullptr && std::string_view(options).find("--hearth") != std::string::npos) ||
         std::find(command.begin(), command.end(), "--hearth") != command.end();
}

}  // namespace

bool is_strict(std::vector<std::string>& arguments) {
  const auto end_of_options = std::find(arguments.begin(), arguments.end(), "--");
  const auto kept = std::remove(arguments.begin(), end_of_options, "--hearth-strict");
  const bool given = kept != end_of_options;
  arguments.erase(kept, end_of_options);
  return given || is_on("HEARTH_STRICT");
}

int run_plainly(std::string_view reason, const std::vector<std::string>& command, Asked asked) {
  if (!reason.empty()) complain(std::string(reason) + " (so this is plain pytest)");
  // A run without the plugin finds nothing of ours.
  if (asked == Asked::by_plugin || asks_for_hearth(command))
    setenv(kPlain, std::to_string(getpid()).c_str(), 1);
  return complain(client::become(command));
}

}  // namespace hearth::launcher
