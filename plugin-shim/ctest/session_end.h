// What follows a run: the summary, the files, the exit code.
#pragma once

#include <chrono>
#include <filesystem>

#include "plugin-shim/ctest/console.h"
#include "plugin-shim/ctest/dashboard.h"
#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/options.h"
#include "plugin-shim/ctest/project.h"
#include "plugin-shim/ctest/report.h"
#include "plugin-shim/ctest/run.h"
#include "plugin-shim/ctest/test_log.h"

namespace hearth::ctest {

struct EndedRun {
  const Options& options;
  const Project& project;
  const Listing& listing;
  const Run& run;
  Console& console;
  Report& report;
  TestLog& log;
  Tag tag;  // of -T test
  std::filesystem::path disabled_list;
  std::filesystem::path failed_list;
  std::chrono::system_clock::time_point begun;  // before the tests were listed
  Seconds time{};                               // since then
};

// The exit code.
int conclude(const EndedRun& ended);

}  // namespace hearth::ctest
