// All that is told of a test that has run, or was not to be.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "plugin-shim/ctest/test.h"
#include "plugin-shim/ctest/verdict.h"

namespace hearth::ctest {

struct Result {
  const Test* test = nullptr;
  Verdict verdict;
  bool started = false;
  int exit_code = -1;
  Seconds time{};
  std::optional<std::chrono::system_clock::time_point> begun;
  std::string output;  // for JUnit and Test.xml: without measurements, and not more than is wanted
  std::string command_line;               // for Test.xml; empty if it was not to be executed
  std::string log_command;                // the same for the log, each word in quotes
  std::string environment;                // what differs from that of ctest
  std::vector<std::string> labels;        // sorted; the test may have added some
  std::vector<std::string> measurements;  // elements
  std::string details;                    // instead of the completion, in Test.xml
  int attempts = 1;                       // of --repeat
  bool failed_before = false;             // and passed now
  bool leaks = false;  // what it has started held its output when it had ended itself
};

}  // namespace hearth::ctest
