// What the real ctest says of a build directory: its tests, and which of them the options select.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "plugin-shim/ctest/test.h"

namespace hearth::ctest {

struct Version {
  int major = 0;
  int minor = 0;

  friend bool operator==(const Version&, const Version&) = default;
  friend bool operator<(const Version& one, const Version& other) {
    return one.major != other.major ? one.major < other.major : one.minor < other.minor;
  }
  friend bool operator>=(const Version& one, const Version& other) { return !(one < other); }
};
inline constexpr Version kOldest{3, 16};
inline constexpr Version kIsSilentWithXml{4, 0};  // -T test says nothing of itself, nor of errors

struct Listing {
  Version version;
  std::string version_text;    // 3.25.1
  std::vector<Test> tests;     // the selected ones in ctest's order, those for fixtures last
  std::size_t registered = 0;  // how many ctest counts, selected or not
  std::string warnings;        // what ctest had to say meanwhile, on its standard error
  std::string early_remarks;   // and on its standard output, before it named the project
  std::string remarks;         // and after that
  std::string ignored_lines;   // what it says with -V of tests that the project ignores
  std::string fixture_lines;   // what it says with -V of tests that fixtures bring in
};

struct ListingRequest {
  std::filesystem::path ctest;             // the executable
  std::filesystem::path directory;         // the build directory
  std::vector<std::string> configuration;  // options: which directory, which configuration
  std::vector<std::string> selection;      // options: which tests
  // A name that this matches is no test at all, and gets no number: that is what -E does without
  // -R.
  std::string never;
  bool verbose = false;
  bool ignores_tests = false;       // perhaps
  std::function<void()> meanwhile;  // called while ctest lists; may be null
};

// The error says in a few words why it is of no use; the real ctest will do better.
//
// ctest numbers tests by their place among all, and tells the numbers only to people (`ctest -N`).
// So all tests are listed, for machines; and where options select some, those again, for people.
//
// Every call of ctest empties Testing/Temporary/LastTest.log; here it is put back. What it has said
// before and must say again it is not asked (inquiry.h).
tl::expected<Listing, std::string> list_tests(const ListingRequest& request);

// What `ctest --version` says.
Version version_of(std::string_view text);
// Number and name of the lines of `ctest -N`; what else is on a line (Disabled) is part of the
// name.
std::vector<std::pair<int, std::string>> numbers_of(std::string_view text);
// What `ctest -N -V` says of executables that it did not find, put into those tests.
void explain_missing(std::string_view text, std::vector<Test>& tests);
// Of all tests of a build directory.
void find_lonely_programs(std::vector<Test>& tests);
// For each test, the tests that set up what it requires.
void find_required_successes(std::vector<Test>& tests);

}  // namespace hearth::ctest
