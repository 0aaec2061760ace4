// The start of a test: what it takes, and what is in its way.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "plugin-shim/ctest/console.h"
#include "plugin-shim/ctest/executor.h"
#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/report.h"
#include "plugin-shim/ctest/result.h"
#include "plugin-shim/ctest/test.h"
#include "plugin-shim/ctest/test_log.h"

namespace hearth::ctest {

struct StartRequest {
  const Test& test;
  Version version;
  std::vector<std::string> failed_requirements;  // names of tests
  std::string lacking_resources;                 // the whole complaint; empty: none is lacking
  // Variables that tell it which resources are its own.
  std::vector<std::string> resource_variables;
  std::size_t done = 0;  // tests
};

// Shows that the test starts, and answers with what is to be executed, all but its environment and
// its output. Or says
// what is in the way, on the console and in the log; then the error is the verdict.
tl::expected<Command, Verdict> prepare_start(const StartRequest& request, Report& report,
                                             Console& console, TestLog& log);

// The command alone. Nothing is looked at.
Command command_of(const Test& test);

// Why it cannot be executed in its directory, as ctest says it; empty: it can.
std::string directory_trouble(const std::string& directory, Version version);

// What the test finds around it. Says on the console what is wrong with it.
tl::expected<void, Verdict> set_environment(const StartRequest& request, Console& console,
                                            Command& command);

// `exe "argument" …`, as it is shown, and with quotes around all of it, as it is logged.
std::string shown_command(const Test& test);
std::string logged_command(const Test& test);

}  // namespace hearth::ctest
