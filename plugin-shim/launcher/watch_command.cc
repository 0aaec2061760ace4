#include <poll.h>

#include <array>
#include <csignal>
#include <optional>
#include <set>
#include <utility>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/client/process_context.h"
#include "plugin-shim/client/run.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/plain_run.h"
#include "plugin-shim/launcher/pytest_spec.h"
#include "plugin-shim/launcher/watch_keys.h"
#include "plugin-shim/launcher/watch_plan.h"
#include "plugin-shim/launcher/watched_files.h"

namespace hearth::launcher {
namespace {

using client::Clock;

// A run begins when nothing more has changed for the first time, and after the second at the
// latest: an editor writes several times, a version control tool many files.
constexpr std::chrono::milliseconds kRest{100};
constexpr std::chrono::milliseconds kLongestDelay{2000};

const char* what_runs(Scope scope) {
  return scope == Scope::all ? "running all tests" : "running the tests that failed";
}

const char* why_all(const WatchPlan& plan) {
  return plan.failed_was_refused() ? "those that failed cannot be chosen" : "no failure is left";
}

bool is_readable(int fd, std::chrono::milliseconds patience) {
  pollfd watched{fd, POLLIN, 0};
  return poll(&watched, 1, static_cast<int>(patience.count())) > 0;
}

class Watch {
 public:
  Watch(protocol::ProcessSpec spec, const client::OpenStreams& streams)
      : spec_(std::move(spec)), streams_(streams), files_(spec_.directory) {}

  // Until the user wants no more; the exit code.
  int go_on() {
    for (std::optional<Scope> next = Scope::all; next;) next = run_and_wait(*next);
    return exit_code_;
  }

 private:
  std::optional<Scope> run_and_wait(Scope scope);
  // Its raw wait status; none: hearth's own trouble, which the user has been told.
  std::optional<int> run(Scope scope, std::vector<protocol::FileSignature>& trace);
  std::optional<Scope> wait();
  std::optional<Scope> wait_for_reason();
  std::optional<Scope> follow(const std::vector<std::string>& paths);

  protocol::ProcessSpec spec_;
  client::OpenStreams streams_;
  client::ForwardedSignals signals_;
  WatchedFiles files_;
  WatchPlan plan_;
  WatchKeys keys_;
  bool has_run_ = false;
  int exit_code_ = 0;
};

// What runs next; none: nothing any more. A signal that ends processes ends this one here.
std::optional<Scope> Watch::run_and_wait(Scope scope) {
  std::vector<protocol::FileSignature> trace;
  const auto wait_status = run(scope, trace);
  bool is_interrupted = false;
  for (const int signal : signals_.settle()) {
    is_interrupted |= signal == SIGINT;
    if (signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT)
      client::ForwardedSignals::let_act(signal);
  }
  if (!wait_status && !has_run_) {
    exit_code_ = kTrouble;
    return std::nullopt;
  }
  has_run_ = true;
  const auto changed = files_.run_ended(std::move(trace));
  const auto next =
      wait_status ? plan_.run_ended(scope, *wait_status, is_interrupted) : std::nullopt;
  if (!changed.empty()) return follow(changed);
  if (next) complain(std::string(why_all(plan_)) + ": " + what_runs(*next));
  return next ? next : wait();
}

std::optional<int> Watch::run(Scope scope, std::vector<protocol::FileSignature>& trace) {
  auto conversation = client::open_or_start(client::executable_directory());
  if (!conversation) {
    complain(conversation.error().message);
    return std::nullopt;
  }
  const auto daemon = static_cast<pid_t>(conversation->connection.daemon_pid());
  if (const auto difference = client::difference_from(daemon); !difference.empty()) {
    complain("cannot watch: the daemon's processes cannot be like this one (" + difference +
             "); end it with `hearth stop` and try again");
    return std::nullopt;
  }
  protocol::ProcessSpec spec = spec_;
  // In front: behind a `--` it would be a path.
  if (scope == Scope::failed) spec.args.insert(spec.args.begin(), "--lf");
  const auto wait_status =
      client::run(conversation->connection, std::move(spec), streams_, signals_, &trace);
  if (wait_status) return *wait_status;
  complain(wait_status.error().message);
  return std::nullopt;
}

std::optional<Scope> Watch::wait() {
  const std::optional<Scope> next = wait_for_reason();
  keys_.end();
  return next;
}

std::optional<Scope> Watch::wait_for_reason() {
  const bool has_keys = keys_.begin();
  complain(has_keys ? "waiting for a change (a: run all, f: run what failed, q: quit)"
                    : "waiting for a change");
  for (;;) {
    std::array<pollfd, 3> watched{
        {{signals_.fd(), POLLIN, 0}, {files_.fd(), POLLIN, 0}, {keys_.fd(), POLLIN, 0}}};
    if (poll(watched.data(), watched.size(), -1) < 0) continue;
    if (const int signal = signals_.take(); signal == SIGINT) {
      return std::nullopt;
    } else if (signal != 0) {
      keys_.end();
      client::ForwardedSignals::let_act(signal);
      keys_.begin();
    }
    switch (keys_.take()) {
      case 'a':
        return Scope::all;
      case 'f':
        return Scope::failed;
      case '\n':
        return plan_.on_change();
      case 'q':
        return std::nullopt;
      default:
        break;
    }
    if (const auto changed = files_.changes(); !changed.empty()) return follow(changed);
  }
}

std::optional<Scope> Watch::follow(const std::vector<std::string>& paths) {
  std::set<std::string> changed(paths.begin(), paths.end());
  const auto until = Clock::now() + kLongestDelay;
  while (Clock::now() < until && is_readable(files_.fd(), kRest)) {
    for (std::string& path : files_.changes()) changed.insert(std::move(path));
  }
  std::string what = *changed.begin();
  if (const std::string below = spec_.directory + "/"; what.starts_with(below))
    what.erase(0, below.size());
  if (changed.size() > 1) what += " and " + std::to_string(changed.size() - 1) + " more";
  complain(what + " changed: " + what_runs(plan_.on_change()));
  return plan_.on_change();
}

}  // namespace

int watch(std::vector<std::string> arguments) {
  const client::OpenStreams streams = take_stock_of_streams();
  static_cast<void>(is_strict(arguments));  // nothing is run plainly here
  const auto found = find_pytest(current_surroundings());
  if (!found) return complain(found.error().message);
  auto spec = pytest_spec(*found, std::move(arguments));
  if (!spec) return complain(spec.error());
  return Watch(std::move(*spec), streams).go_on();
}

}  // namespace hearth::launcher
