#include "plugin-shim/ctest/session.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <system_error>

#include "plugin-shim/ctest/checkpoint.h"
#include "plugin-shim/ctest/colours.h"
#include "plugin-shim/ctest/console.h"
#include "plugin-shim/ctest/cost_data.h"
#include "plugin-shim/ctest/interruption.h"
#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/planning.h"
#include "plugin-shim/ctest/project.h"
#include "plugin-shim/ctest/report.h"
#include "plugin-shim/ctest/run.h"
#include "plugin-shim/ctest/session_end.h"
#include "plugin-shim/ctest/test_log.h"
#include "scheduler/command_order.h"

namespace hearth::ctest {
namespace {

namespace fs = std::filesystem;

constexpr Version kReadsConfigurationOnce{4, 0};
constexpr Version kKnowsSeeds{4, 1};

Outcome plainly(std::string because) {
  Outcome outcome;
  outcome.is_plain = true;
  outcome.plain_because = std::move(because);
  return outcome;
}

// What of these options is not taken over; empty: nothing.
std::string not_taken_over(const Options& options, const Project& project) {
  if (options.is_plain) return options.plain_because;
  if (options.writes_xml) return "-T test";
  if (!options.junit_file.empty()) return "--output-junit";
  if (!options.stop_time.empty()) return "--stop-time";
  if (!options.resource_spec_file.empty()) return "--resource-spec-file";
  if (project.is_customized()) return "a CTestCustom file";
  return {};
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  while (begin < list.size()) {
    const auto end = std::min(list.find(';', begin), list.size());
    if (end > begin) words.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// What ctest says before it starts the first test.
void introduce(const Project& project, const Listing& listing, Console& console) {
  const std::string file = project.configuration_file().string();
  for (int time = listing.version < kReadsConfigurationOnce ? 2 : 1; time > 0; --time) {
    console.print_verbose("UpdateCTestConfiguration  from :" + file + "\n");
    if (project.is_configured()) console.print_verbose("Parse Config file:" + file + "\n");
  }
  console.print("Test project " + project.directory().string() + "\n");
  console.print_verbose("Constructing a list of tests\n");
  console.complain(listing.warnings);
  console.print_verbose(
      "Done constructing a list of tests\n"
      "Updating test list for fixtures\n"
      "Added 0 tests to meet fixture requirements\n"
      "Checking test dependency graph...\n"
      "Checking test dependency graph end\n");
}

ListingRequest listing_request(const SessionRequest& request, const Project& project) {
  const Options& options = request.options;
  ListingRequest listing{
      request.ctest, project.binary_directory(), options.configuration, options.selection, {}};
  if (options.include.empty()) listing.never = options.exclude;
  return listing;
}

void set_environment(const Options& options, Version version) {
  if (options.interactive_debug) {
    setenv("CTEST_INTERACTIVE_DEBUG_MODE", "1", 1);
  } else {
    const std::string text = std::to_string(version.major) + "." + std::to_string(version.minor);
    setenv("DART_TEST_FROM_DART", "1", 1);
    setenv("DASHBOARD_TEST_FROM_CTEST", text.c_str(), 1);
  }
  unsetenv("CTEST_RESOURCE_GROUP_COUNT");
}

std::size_t width_of_names(std::size_t width, const std::vector<Test>& tests) {
  for (const Test& test : tests) width = std::max(width, test.name.size());
  return width;
}

}  // namespace

Outcome carry_out(const SessionRequest& request) {
  const Options& options = request.options;
  const bool is_chosen = !options.build_directory.empty();
  const Project project(build_directory(options.build_directory, request.variable("PWD")),
                        is_chosen);
  const std::string left = not_taken_over(options, project);
  if (options.is_plain || !left.empty()) return plainly(left);
  if (!project.has_tests()) return plainly({});  // ctest has words for it

  const auto begun = std::chrono::steady_clock::now();
  auto listing = list_tests(listing_request(request, project));
  if (!listing) return plainly(listing.error());
  const std::size_t slots = slots_of(options);
  const fs::path temporary = project.temporary();
  const CostData cost_data = read_cost_data(temporary / "CTestCostData.txt");
  unsigned seed = static_cast<unsigned>(std::time(nullptr));
  if (options.random_seed && listing->version >= kKnowsSeeds) seed = *options.random_seed;
  std::vector<CostEntry> costs =
      costs_of(listing->tests, cost_data, slots, options.schedule_random ? &seed : nullptr);
  std::vector<scheduler::PlannedCommand> commands = planned(listing->tests, costs, cost_data);
  if (!scheduler::commands_in_circles(commands).empty()) return plainly({});

  Console console({options.quiet, options.verbose});
  if (!options.output_log.empty() && !console.log_to(options.output_log))
    return plainly("-O " + options.output_log);
  std::error_code error;
  fs::create_directories(temporary, error);
  TestLog log({temporary / "LastTest.log"});
  if (!log.is_open()) return plainly("the log cannot be written");
  if (chdir(project.directory().c_str()) != 0) return plainly({});
  set_environment(options, listing->version);
  introduce(project, *listing, console);

  log.add("Start testing: " + clock_text(std::chrono::system_clock::now()) +
          "\n----------------------------------------------------------\n");
  if (options.schedule_random && listing->version >= kKnowsSeeds)
    log.add("Test order random seed: " + std::to_string(seed) + "\n");
  scheduler::CommandPlan plan(
      std::move(commands),
      {slots, options.schedule_random                           ? scheduler::CommandOrder::by_cost
              : options.distribution == Distribution::load_file ? scheduler::CommandOrder::by_group
                                                                : scheduler::CommandOrder::load});
  Checkpoint checkpoint(temporary / "CTestCheckpoint.txt");
  std::size_t done = 0;
  std::vector<bool> is_done(listing->tests.size(), false);
  if (options.go_on) {
    const std::vector<int> numbers = checkpoint.read();
    if (!numbers.empty()) {
      log.add(
          "Resuming previously interrupted test set\n"
          "----------------------------------------------------------\n");
    }
    for (std::size_t index = 0; index < listing->tests.size(); ++index) {
      const int number = listing->tests[index].number;
      if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) continue;
      is_done[index] = true;
      ++done;
      plan.drop(index);
    }
  } else {
    checkpoint.remove();
  }

  ReportSetting setting;
  setting.version = listing->version;
  setting.total = listing->tests.size();
  for (std::size_t index = 0; index < listing->tests.size(); ++index) {
    if (!is_done[index])
      setting.highest_number = std::max(setting.highest_number, listing->tests[index].number);
  }
  setting.name_width = width_of_names(options.name_width, listing->tests);
  setting.output_on_failure = options.output_on_failure;
  setting.progress =
      options.progress && !console.has_log() && is_capable_terminal(request.variable);
  setting.label_summary = options.label_summary;
  setting.subproject_summary = options.subproject_summary;
  setting.subprojects = words_of(project.value("LabelsForSubprojects"));
  setting.colours = Colours(request.variable, listing->version);
  Report report(console, setting);

  Interruption interruption;
  Outcome outcome;
  {
    const std::unique_ptr<Executor> executor = request.executor();
    Run run({options,
             *listing,
             project.timeout(),
             *executor,
             interruption,
             console,
             report,
             log,
             checkpoint,
             false,
             {}},
            std::move(plan), std::move(costs), done);
    outcome.signal = run.carry_out();
    if (outcome.signal != 0) {
      console.flush();
      return outcome;
    }
    checkpoint.remove();
    std::vector<CostEntry> kept;
    for (std::size_t index = 0; index < is_done.size(); ++index) {
      if (!is_done[index]) kept.push_back(run.costs()[index]);
    }
    write_cost_data(temporary / "CTestCostData.txt", cost_data, kept, run.failed());
    outcome.exit_code = conclude({options, project, *listing, run, console, report, log,
                                  std::chrono::steady_clock::now() - begun});
  }
  return outcome;
}

}  // namespace hearth::ctest
