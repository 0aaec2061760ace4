// The command line of `hearth ctest`: ctest's own options, and a few of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin-shim/ctest/test.h"

namespace hearth::ctest {

enum class Repeat : std::uint8_t { never, until_fail, until_pass, after_timeout };
enum class Truncation : std::uint8_t { tail, middle, head };  // which part of an output goes
enum class NoTests : std::uint8_t { legacy, error, ignore };
enum class Distribution : std::uint8_t { load, load_file };

struct Options {
  // The real ctest is to do all of it; no notice is needed where it only tells something.
  bool is_plain = false;
  std::string plain_because;  // what is not taken over, in a few words; empty: it only tells

  // As they were given, for the listing.
  std::vector<std::string> configuration;  // what chooses the directory and the configuration
  std::vector<std::string> selection;      // what chooses tests
  std::string include;                     // -R
  std::string exclude;                     // -E

  std::string preset;            // --preset; its words are not among these yet
  std::string source_directory;  // where it was found
  std::string build_directory;   // --test-dir, as given
  bool has_parallel = false;
  std::optional<std::size_t> parallel;  // none: as many as there are processors
  unsigned long test_load = 0;
  Seconds timeout{};      // zero: not given
  std::string stop_time;  // as given
  bool stop_on_failure = false;
  Repeat repeat = Repeat::never;
  int repeat_count = 1;
  bool go_on = false;  // -F
  bool schedule_random = false;
  std::optional<unsigned> random_seed;
  std::string resource_spec_file;
  NoTests no_tests = NoTests::legacy;
  bool interactive_debug = true;

  bool verbose = false;
  bool quiet = false;
  bool output_on_failure = false;
  bool progress = false;
  std::string output_log;
  std::string junit_file;
  std::size_t name_width = 30;
  bool label_summary = true;
  bool subproject_summary = true;
  int output_size_passed = 1024;  // in bytes; 0: all
  int output_size_failed = 300 * 1024;
  Truncation truncation = Truncation::tail;
  bool compress_output = true;
  bool writes_xml = false;  // -T test

  Distribution distribution = Distribution::load;  // --hearth-dist
  Seconds slow_after{};                            // --hearth-slow; zero: no word about it
  bool strict = false;                             // --hearth-strict
};

// `tail`, `middle` or `head`.
std::optional<Truncation> truncation_of(const std::string& name);

// `variable` looks a name up in the environment: null if it is not there.
Options parse_options(const std::vector<std::string>& arguments,
                      const char* (*variable)(const char* name));

}  // namespace hearth::ctest
