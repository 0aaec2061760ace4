
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/this_process.h"
#include "plugin-shim/ctest/interruption.h"
#include "plugin-shim/ctest/options.h"
#include "plugin-shim/ctest/session.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/ctest_executor.h"

namespace hearth::launcher {
namespace {

namespace fs = std::filesystem;

const char* variable(const char* name) { return std::getenv(name); }

// $HEARTH_CTEST, or the first `ctest` on PATH that is not this very program. Empty: there is none.
fs::path find_ctest() {
  if (const char* named = std::getenv("HEARTH_CTEST"); named != nullptr && *named != '\0')
    return client::is_executable(named) ? fs::path(named) : fs::path();
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (true) {
    const auto end = rest.find(':');
    fs::path candidate = fs::path(rest.substr(0, end)) / "ctest";
    std::error_code error;
    if (client::is_executable(candidate) && !fs::equivalent(candidate, "/proc/self/exe", error))
      return candidate;
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
}

// Options that the real ctest would not understand.
std::vector<std::string> without_ours(const std::vector<std::string>& arguments) {
  std::vector<std::string> kept;
  for (std::size_t index = 0; index < arguments.size(); ++index) {
    const std::string& argument = arguments[index];
    if (argument == "--") {
      kept.insert(kept.end(), arguments.begin() + static_cast<std::ptrdiff_t>(index),
                  arguments.end());
      break;
    }
    if (!argument.starts_with("--hearth-")) {
      kept.push_back(argument);
    } else if (argument == "--hearth-dist" || argument == "--hearth-slow") {
      ++index;
    }
  }
  return kept;
}

int run_plainly(const fs::path& real, const std::vector<std::string>& arguments,
                const std::string& because) {
  if (!because.empty()) complain("not taken over: " + because + " (so this is plain ctest)");
  std::vector<std::string> command{real.string()};
  const std::vector<std::string> kept = without_ours(arguments);
  command.insert(command.end(), kept.begin(), kept.end());
  return complain(client::become(command));
}

}  // namespace

int ctest(const std::vector<std::string>& arguments) {
  const fs::path real = find_ctest();
  if (real.empty()) {
    return complain(
        "there is no ctest on PATH, and it is needed to list the tests (or set HEARTH_CTEST)");
  }
  hearth::ctest::Options options = hearth::ctest::parse_options(arguments, variable);
  constexpr hearth::ctest::Seconds kSlow{60};
  if (options.slow_after.count() == 0 && isatty(STDERR_FILENO) == 1) options.slow_after = kSlow;
  if (options.is_plain && !options.strict)
    return run_plainly(real, arguments, options.plain_because);
  const hearth::ctest::Outcome outcome =
      hearth::ctest::carry_out({options, real, variable, [&] { return make_executor(arguments); }});
  if (outcome.is_plain && options.strict && !outcome.plain_because.empty())
    return complain("not taken over: " + outcome.plain_because);
  if (outcome.is_plain) return run_plainly(real, arguments, outcome.plain_because);
  if (outcome.signal != 0) hearth::ctest::Interruption::die_of(outcome.signal);
  return outcome.exit_code;
}

}  // namespace hearth::launcher
