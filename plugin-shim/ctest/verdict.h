// What became of a test: how its process ended and what it wrote, judged by its properties.
#pragma once

#include <cstdint>
#include <string>

#include "plugin-shim/ctest/expressions.h"
#include "plugin-shim/ctest/test.h"

namespace hearth::ctest {

enum class Status : std::uint8_t {
  not_run,  // also one that was skipped
  timeout,
  segfault,
  illegal,
  interrupt,
  numerical,
  other_fault,
  failed,
  bad_command,
  completed,
};

// How its process ended.
struct Ending {
  enum class Kind : std::uint8_t { not_started, exited, signalled, timed_out };
  Kind kind = Kind::not_started;
  int exit_code = 0;
  int signal = 0;
  bool asked_to_end = false;  // of a timeout: by the test's own signal, and it obeyed
};
Ending ending_of(int wait_status);

struct Verdict {
  Status status = Status::not_run;
  bool is_skipped = false;
  std::string completion;  // how ctest calls it in files: Completed, SKIP_RETURN_CODE=77, …
  std::string reason;      // an expression that was found, or was not
  std::string fault;       // the signal, in ctest's words; empty if it was none
  std::string said;        // of one that never started: why, as its output
  // What stands after the dots, up to the time.
  std::string shown;

  bool is_passed() const { return status == Status::completed || is_skipped; }
};

// One that never started has its status and completion from `started`, which says why.
Verdict judge(const Test& test, const Ending& ending, const std::string& output,
              Expressions& expressions);
Verdict not_started(Status status, std::string completion);

// Which expression was found in the output, or was not.
std::string reason_of(const Test& test, const std::string& output, Expressions& expressions);

// As ctest names it in its summary and in Test.xml.
std::string name_of(const Verdict& verdict);

}  // namespace hearth::ctest
