// One registered test, with every property that matters to whether, when and how it runs.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hearth::ctest {

using Seconds = std::chrono::duration<double>;

struct ResourceRequirement {
  std::string type;
  int slots = 0;
};

struct TimeoutAfterMatch {
  std::vector<std::string> expressions;
  Seconds timeout{};
};

struct TimeoutSignal {
  std::string name;
  int number = 0;
};

struct Test {
  int number = 0;  // ctest's: the place among all tests of the build directory
  std::string name;
  std::vector<std::string> command;  // empty: its executable was not found, and this says so:
  std::string missing_executable;
  std::string missing_explanation;  // lines
  std::string missing_arguments;    // each in quotes
  std::string directory;

  std::vector<std::string> attached_files;
  std::vector<std::string> attached_files_on_fail;
  double cost = 0;
  std::vector<std::string> depends;  // by name; fixtures have been added by ctest
  bool disabled = false;
  std::vector<std::string> environment;
  std::vector<std::string> environment_modification;
  std::vector<std::string> fail_expressions;
  std::vector<std::string> pass_expressions;
  std::vector<std::string> skip_expressions;
  std::vector<std::string> fixtures_cleanup;
  std::vector<std::string> fixtures_required;
  std::vector<std::string> fixtures_setup;
  std::string generated_resource_spec_file;
  std::vector<std::string> labels;
  std::map<std::string, std::string> measurements;
  unsigned processors = 1;
  bool processor_affinity = false;
  std::vector<std::string> required_files;
  std::vector<std::vector<ResourceRequirement>> resource_groups;
  std::vector<std::string> resource_locks;
  bool run_serial = false;
  int skip_return_code = -1;  // negative: none
  std::optional<Seconds> timeout;
  std::optional<TimeoutAfterMatch> timeout_after_match;
  std::optional<TimeoutSignal> timeout_signal;
  std::optional<Seconds> timeout_grace_period;
  bool will_fail = false;

  // The tests that must not have failed for this one to be started, by name.
  std::vector<std::string> required_successes;
  // No other one of the build directory has its executable.
  bool is_alone_of_its_program = false;
  // From the cost data: how often it has passed.
  int previous_runs = 0;
};

}  // namespace hearth::ctest
