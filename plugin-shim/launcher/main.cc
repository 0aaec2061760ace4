#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "plugin-shim/launcher/commands.h"

namespace {

using namespace hearth::launcher;

constexpr const char* kFooter = R"(
Environment:
  HEARTH_PYTHON       the python to run pytest with (default: that of the active virtual environment's
                      pytest, else of the `pytest` on PATH)
  HEARTH_RUNTIME_DIR  sockets and lock (default: $XDG_RUNTIME_DIR/hearth, else /tmp/hearth-<uid>)
  HEARTH_STATE_DIR    log (default: $XDG_STATE_HOME/hearth, else ~/.local/state/hearth)
  HEARTH_DAEMON       hearthd, when it is not beside hearth
  HEARTH_CTEST        the ctest that lists the tests (default: that on PATH)
  HEARTH_STRICT=1     `hearth pytest` fails where it would else run plain pytest (also: --hearth-strict)

Exit codes: those of pytest for `hearth pytest`, of ctest for `hearth ctest`; else 0, 1 when `hearth doctor` has complaints, 2 for a wrong command
line, 3 for trouble.)";

int parse_and_do(int count, char** words) {
  CLI::App app(
      "hearth keeps pytest warm: a daemon holds paused pytest processes and forks them for each "
      "run.",
      "hearth");
  app.require_subcommand(0, 1);  // none is told below, in our own words
  app.set_help_flag("-h,--help", "This help");
  bool show_version = false;
  app.add_flag("--version", show_version, "The same as `hearth version`");

  CLI::App* start_command =
      app.add_subcommand("start", "Start the daemon, if it does not run already");
  CLI::App* stop_command =
      app.add_subcommand("stop", "End the daemon and all that it holds, and wait until it is gone");
  CLI::App* status_command =
      app.add_subcommand("status", "Show zygotes and runs (does not start the daemon)");
  bool json = false;
  status_command->add_flag("--json", json, "As JSON, field names as in the protocol");
  CLI::App* why_command = app.add_subcommand(
      "why",
      "Show which stages served the last run from this directory, and why no deeper ones did");
  why_command->add_flag("--json", json, "As JSON, field names as in the protocol");
  CLI::App* doctor_command = app.add_subcommand(
      "doctor", "Show what keeps this project's runs from being warm, where, and what to do");
  doctor_command->add_flag("--json", json, "As JSON, field names as in the protocol");
  CLI::App* logs_command = app.add_subcommand("logs", "Show the daemon's log");
  bool follow = false;
  logs_command->add_flag("-f,--follow", follow, "Go on showing what is added");
  app.add_subcommand("pytest", "Run pytest; everything after this word is pytest's own");
  app.add_subcommand("ctest",
                     "Run a CMake project's tests; everything after this word is ctest's own");
  app.add_subcommand("exec", "`hearth exec -- COMMAND …`: execute a native test program, warm");
  CLI::App* watch_command = app.add_subcommand(
      "watch", "`hearth watch pytest …`: run it again after each change, what failed first");
  CLI::App* version_command =
      app.add_subcommand("version", "Show the versions of hearth and of the running daemon");

  app.footer(kFooter);  // after the subcommands, which would take it over

  if (count == 2 && std::string_view(words[1]) == "--version") return version();
  if (count < 2) return complain("what shall it do? (see `hearth --help`)", kUsage);
  const std::string word = words[1];
  if (!word.starts_with('-') &&
      app.get_subcommands([&](const CLI::App* command) { return command->check_name(word); })
          .empty()) {
    return complain("there is no command " + word + " (see `hearth --help`)", kUsage);
  }
  try {
    app.parse(count, words);
  } catch (const CLI::CallForHelp&) {
    const auto asked = app.get_subcommands();
    return print(asked.empty() ? app.help() : asked.front()->help(app.get_name())) ? 0 : kTrouble;
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + " (see `hearth --help`)", kUsage);
  }
  if (start_command->parsed()) return start();
  if (stop_command->parsed()) return stop();
  if (status_command->parsed()) return status(json);
  if (why_command->parsed()) return why(json);
  if (doctor_command->parsed()) return doctor(json);
  if (logs_command->parsed()) return logs(follow);
  if (version_command->parsed()) return version();
  if (watch_command->parsed()) return complain("watch what? (`hearth watch pytest …`)", kUsage);
  return complain("what shall it do? (see `hearth --help`)", kUsage);
}

}  // namespace

int main(int count, char** words) {
  // Nothing after `pytest` or `ctest` is looked at here, and nothing is set up that a run does not
  // need.
  if (count >= 2 && std::string_view(words[1]) == "pytest") {
    return pytest(std::vector<std::string>(words + 2, words + count));
  }
  if (count >= 2 && std::string_view(words[1]) == "ctest") {
    return ctest(std::vector<std::string>(words + 2, words + count));
  }
  if (count >= 2 && std::string_view(words[1]) == "hand-over") {
    return handed_over_pytest(std::vector<std::string>(words + 2, words + count));
  }
  if (count >= 3 && std::string_view(words[1]) == "watch" &&
      std::string_view(words[2]) == "pytest") {
    return watch(std::vector<std::string>(words + 3, words + count));
  }
  if (count >= 2 && std::string_view(words[1]) == "exec") {
    return exec(std::vector<std::string>(words + 2, words + count));
  }
  return parse_and_do(count, words);
}
