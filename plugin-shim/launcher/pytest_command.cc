#include <utility>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/client/process_context.h"
#include "plugin-shim/client/run.h"
#include "plugin-shim/client/this_process.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/find_pytest.h"
#include "plugin-shim/launcher/plain_run.h"
#include "plugin-shim/launcher/pytest_spec.h"

namespace hearth::launcher {
namespace {

std::vector<std::string> command_of(const Pytest& pytest,
                                    const std::vector<std::string>& arguments) {
  std::vector<std::string> command{pytest.python.string()};
  if (pytest.script.empty()) {
    command.insert(command.end(), {"-m", "pytest"});
  } else {
    command.push_back(pytest.script.string());
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

int run(const Pytest& pytest, std::vector<std::string> arguments,
        const client::OpenStreams& streams, Asked asked) {
  client::end_on_early_interrupt();
  const bool strict = is_strict(arguments);
  const std::vector<std::string> plain = command_of(pytest, arguments);
  auto spec = pytest_spec(pytest, std::move(arguments));
  if (!spec) return complain(spec.error());
  auto conversation = client::open_or_start(client::executable_directory());
  if (!conversation) {
    const std::string& reason = conversation.error().message;
    return strict ? complain(reason) : run_plainly(reason, plain, asked);
  }
  const auto daemon = static_cast<pid_t>(conversation->connection.daemon_pid());
  // No process of the daemon's could be like this one: a plain run has the same result.
  if (!client::difference_from(daemon).empty()) return run_plainly({}, plain, asked);

  client::ForwardedSignals signals;
  const auto wait_status =
      client::run(conversation->connection, std::move(*spec), streams, signals);
  if (wait_status) client::end_like(*wait_status);
  const client::RunFailure& failure = wait_status.error();
  if (strict || failure.may_have_begun || failure.plain_fails_too) return complain(failure.message);
  signals.give_back();
  return run_plainly(failure.message, plain, asked);
}

}  // namespace

int pytest(std::vector<std::string> arguments) {
  const client::OpenStreams streams = take_stock_of_streams();
  const auto found = find_pytest(current_surroundings());
  if (found) return run(*found, std::move(arguments), streams, Asked::by_user);
  const NoPytest& none = found.error();
  if (is_strict(arguments) || none.program.empty()) return complain(none.message);
  std::vector<std::string> command{none.program.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_plainly(none.message, command, Asked::by_user);
}

int handed_over_pytest(std::vector<std::string> words) {
  const client::OpenStreams streams = take_stock_of_streams();
  if (words.size() < 2 || words[0].empty())
    return complain("hand-over is the plugin's own", kUsage);
  const Pytest pytest{words[0], words[1]};
  words.erase(words.begin(), words.begin() + 2);
  return run(pytest, std::move(words), streams, Asked::by_plugin);
}

}  // namespace hearth::launcher
