// `hearth-exec [--] COMMAND …`: the same as `hearth exec`, in a program that starts as fast as one
// can: ctest starts it for every test. So it is static where it can be; libraries that the user
// has loaded into every process, and may need there (to have paths translated), find `hearth`.
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/this_process.h"
#include "plugin-shim/launcher/commands.h"

int main(int count, char** arguments) {
  std::vector<std::string> words(arguments + 1, arguments + count);
  if (std::getenv("LD_PRELOAD") != nullptr) {
    const auto hearth = hearth::client::executable_directory() / "hearth";
    std::vector<std::string> command{hearth.string(), "exec"};
    command.insert(command.end(), words.begin(), words.end());
    if (hearth::client::is_executable(hearth)) hearth::client::become(std::move(command));
  }
  return hearth::launcher::exec(std::move(words));
}
