// Events and commands as lines of text, for transcripts, for comparisons, and for people.
//
//   run_submitted r1 load items=6 workers=2
//     further: auto=N max_failures=N max_restarts=N max_chunk=N order=collected max_items=N
//     isolate=file inside=1
//   run_submitted r1 load_file files=3,1,2      files with so many items each, in collection order
//   run_submitted r1 load_scope ids=a.py::test_a,b.py::test_b
//   run_submitted r1 load_group items=3 groups=x,,x
//   worker_started r1 gw0                       likewise worker_paused
//   session_started r2                          likewise session_ended, run_cancelled
//   slots_wanted r3 4 inside=1                  likewise slots_returned
//   borrower_stopped r3                         likewise borrower_continued
//   item_started r1 gw0 3
//   item_finished r1 gw0 3 duration=0.25 failures=1
//   items_revoked r1 gw0 4 5
//   worker_failed r1 gw0 failures=1 fatal
//   worker_exited r1 gw0 finished               or overdue; without the last word: it was lost
//   slots_changed 4, time_passed
//
// Commands are written alike, e.g. `assign_items r1 gw0 0 1`, `start_worker r1 gw2 replaces gw0`
// (or `succeeds`), `wake_at 0.1`.
#pragma once

#include <string>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler::text {

// Throws std::invalid_argument for a line that is none.
Event parse_event(const std::string& line);

std::string format(const Action& action);
std::vector<std::string> format(const std::vector<Command>& commands);

// "0.25" seconds and back.
Time parse_time(const std::string& seconds);
std::string format_time(Time time);

}  // namespace hearth::scheduler::text
