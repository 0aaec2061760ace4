#include "plugin-shim/launcher/watch_plan.h"

#include <sys/wait.h>

#include <utility>

namespace hearth::launcher {
namespace {

// pytest's exit codes.
constexpr int kPassed = 0;
constexpr int kFailed = 1;
constexpr int kInterrupted = 2;  // also: a file could not be collected, which counts as a failure
constexpr int kUsageError = 4;
constexpr int kNoTests = 5;

}  // namespace

std::optional<Scope> WatchPlan::run_ended(Scope scope, int wait_status, bool interrupted) {
  if (interrupted) return std::nullopt;
  const int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
  const bool has_failures = code == kFailed || code == kInterrupted;
  if (scope == Scope::failed) {
    // Those that failed are gone, or --lf is not known (`-p no:cacheprovider`).
    failed_was_refused_ = code == kUsageError;
    on_change_ = has_failures ? Scope::failed : Scope::all;
    const bool is_done = code == kPassed || code == kNoTests || failed_was_refused_;
    return is_done ? std::optional(Scope::all) : std::nullopt;
  }
  if (std::exchange(failed_was_refused_, false) && code != kUsageError) can_run_failed_ = false;
  on_change_ = has_failures && can_run_failed_ ? Scope::failed : Scope::all;
  return std::nullopt;
}

}  // namespace hearth::launcher
