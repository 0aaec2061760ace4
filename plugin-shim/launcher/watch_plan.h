// What a watched command runs next: the tests that failed alone, until they pass; then the whole.
//
// Pure: told how runs ended, asked what comes next.
#pragma once

#include <optional>

namespace hearth::launcher {

enum class Scope { all, failed };

class WatchPlan {
 public:
  // A run has ended. `wait_status` as waitpid gives it; `interrupted` by the user. Returns what
  // follows at once, without a change.
  std::optional<Scope> run_ended(Scope scope, int wait_status, bool interrupted);

  // What a change is followed by.
  Scope on_change() const { return on_change_; }
  // The last run was of those that failed, and pytest did not take it (usage error).
  bool failed_was_refused() const { return failed_was_refused_; }

 private:
  Scope on_change_ = Scope::all;
  bool failed_was_refused_ = false;  // the whole will tell whether `--lf` was why
  bool can_run_failed_ = true;
};

}  // namespace hearth::launcher
