
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/this_process.h"
#include "plugin-shim/ctest/interruption.h"
#include "plugin-shim/ctest/options.h"
#include "plugin-shim/ctest/presets.h"
#include "plugin-shim/ctest/project.h"
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

// Options that a preset has already been put in the place of.
std::vector<std::string> without_preset(const std::vector<std::string>& arguments) {
  std::vector<std::string> kept;
  for (std::size_t index = 0; index < arguments.size() && arguments[index] != "--"; ++index) {
    if (arguments[index] == "--preset") {
      ++index;
    } else if (!arguments[index].starts_with("--preset=")) {
      kept.push_back(arguments[index]);
    }
  }
  const auto rest = std::find(arguments.begin(), arguments.end(), "--");
  kept.insert(kept.end(), rest, arguments.end());
  return kept;
}

// What a preset puts into this process's environment, as long as this lives.
class PresetEnvironment {
 public:
  void put(const std::string& name, const std::string& value) {
    const char* const before = std::getenv(name.c_str());
    before_.emplace_back(name,
                         before == nullptr ? std::nullopt : std::optional<std::string>(before));
    setenv(name.c_str(), value.c_str(), 1);
  }
  PresetEnvironment() = default;
  ~PresetEnvironment() {
    for (const auto& [name, value] : before_) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }
  PresetEnvironment(const PresetEnvironment&) = delete;
  PresetEnvironment& operator=(const PresetEnvironment&) = delete;

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

using hearth::ctest::Options;
using hearth::ctest::Outcome;

// The options with what the preset says before what the user says.
Options with_preset(const fs::path& real, const Options& given,
                    const std::vector<std::string>& arguments, PresetEnvironment& environment) {
  Options plain = given;
  plain.is_plain = true;
  if (!given.build_directory.empty()) {
    plain.plain_because = "--preset with --test-dir";
    return plain;
  }
  const fs::path source = hearth::ctest::build_directory({}, variable("PWD"));
  const auto preset = hearth::ctest::read_preset({real, source, given.preset, variable});
  if (!preset) {
    plain.plain_because = preset.error();
    return plain;
  }
  for (const auto& [name, value] : preset->environment) environment.put(name, value);
  std::vector<std::string> words = preset->words;
  words.insert(words.end(), {"--test-dir", preset->directory});
  const auto typed = without_preset(arguments);
  words.insert(words.end(), typed.begin(), typed.end());
  Options options = hearth::ctest::parse_options(words, variable);
  options.source_directory = source.string();
  return options;
}

// What is plain is left to be done.
Outcome carry_out(const fs::path& real, const std::vector<std::string>& arguments,
                  bool& is_strict) {
  PresetEnvironment environment;
  Options options = hearth::ctest::parse_options(arguments, variable);
  if (!options.preset.empty() && !options.is_plain)
    options = with_preset(real, options, arguments, environment);
  is_strict = options.strict;
  constexpr hearth::ctest::Seconds kSlow{60};
  if (options.slow_after.count() == 0 && isatty(STDERR_FILENO) == 1) options.slow_after = kSlow;
  ExecutorSource executors(arguments);
  return hearth::ctest::carry_out(
      {options, real, variable, [&] { executors.look(); }, [&] { return executors.make(); }});
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
  bool is_strict = false;
  const Outcome outcome = carry_out(real, arguments, is_strict);
  if (outcome.is_plain && is_strict && !outcome.plain_because.empty())
    return complain("not taken over: " + outcome.plain_because);
  if (outcome.is_plain) return run_plainly(real, arguments, outcome.plain_because);
  if (outcome.signal != 0) hearth::ctest::Interruption::die_of(outcome.signal);
  return outcome.exit_code;
}

}  // namespace hearth::launcher
