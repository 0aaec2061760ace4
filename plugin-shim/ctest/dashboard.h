// What `-T test` adds to a run: a tag, under which the log files and Test.xml are kept.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/project.h"
#include "plugin-shim/ctest/result.h"

namespace hearth::ctest {

struct Tag {
  std::string name;   // 20261120-1851
  std::string group;  // Experimental
  bool is_new = false;
};

// That of today which Testing/TAG has, or a new one, which it has from now on.
Tag take_tag(const Project& project, std::chrono::system_clock::time_point now);

struct TestXml {
  const std::vector<Result>& results;  // in the order in which they ended
  const Project& project;
  Version version;
  std::string generator;  // ctest-3.25.1
  Tag tag;
  std::chrono::system_clock::time_point begun;
  std::chrono::system_clock::time_point ended;
};

// Testing/<tag>/Test.xml, which editors and dashboards read.
bool write_test_xml(const TestXml& parts);

// What of a test's results cannot be put into Test.xml here; empty: all can.
std::string left_out_of_xml(const std::vector<Test>& tests);

}  // namespace hearth::ctest
