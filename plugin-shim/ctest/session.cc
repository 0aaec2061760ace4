#include "plugin-shim/ctest/session.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include "plugin-shim/client/terminal.h"
#include "plugin-shim/ctest/checkpoint.h"
#include "plugin-shim/ctest/colours.h"
#include "plugin-shim/ctest/console.h"
#include "plugin-shim/ctest/cost_data.h"
#include "plugin-shim/ctest/customization.h"
#include "plugin-shim/ctest/dashboard.h"
#include "plugin-shim/ctest/interruption.h"
#include "plugin-shim/ctest/job_server.h"
#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/planning.h"
#include "plugin-shim/ctest/project.h"
#include "plugin-shim/ctest/report.h"
#include "plugin-shim/ctest/resource_spec.h"
#include "plugin-shim/ctest/run.h"
#include "plugin-shim/ctest/session_end.h"
#include "plugin-shim/ctest/stop_time.h"
#include "plugin-shim/ctest/test_log.h"
#include "plugin-shim/ctest/unlisted_properties.h"
#include "scheduler/command_order.h"

namespace hearth::ctest {
namespace {

namespace fs = std::filesystem;

constexpr Version kReadsConfigurationOnce{4, 0};
constexpr Version kGoesSilently{4, 0};
constexpr Version kNamesNoKinds{4, 0};
constexpr Version kKnowsSeeds{4, 1};
constexpr Version kUsesJobServer{3, 29};

Outcome plainly(std::string because) {
  Outcome outcome;
  outcome.is_plain = true;
  outcome.plain_because = std::move(because);
  return outcome;
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

std::size_t width_of_names(std::size_t width, const std::vector<Test>& tests) {
  for (const Test& test : tests) width = std::max(width, test.name.size());
  return width;
}

class Session {
 public:
  explicit Session(const SessionRequest& request)
      : request_(request),
        options_(request.options),
        project_(build_directory(options_.build_directory, request.variable("PWD")),
                 !options_.build_directory.empty()) {}

  Outcome carry_out();

 private:
  // Everything that can still make it the real ctest's run.
  bool prepare();
  bool leave(std::string because);
  bool customize();
  bool read_resources();
  void introduce(Console& console) const;
  void set_environment() const;
  std::size_t go_on(scheduler::CommandPlan& plan, Checkpoint& checkpoint, TestLog& log);
  ReportSetting report_setting(const Console& console) const;
  std::string log_name(const std::string& name) const;

  const SessionRequest& request_;
  Options options_;  // with what the project says
  Project project_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::system_clock::time_point begun_at_ = std::chrono::system_clock::now();
  std::string left_because_;

  Listing listing_;
  std::optional<std::chrono::system_clock::time_point> stop_time_;
  std::optional<scheduler::Resources> resources_;
  std::vector<std::string> lacking_resources_;
  CostData cost_data_;
  std::vector<CostEntry> costs_;
  std::vector<scheduler::PlannedCommand> commands_;
  unsigned seed_ = 0;
  std::vector<bool> is_done_;  // by an earlier run
  Tag tag_;
};

bool Session::leave(std::string because) {
  left_because_ = std::move(because);
  return false;
}

bool Session::prepare() {
  if (options_.is_plain) return leave(options_.plain_because);
  if (!project_.has_tests()) return leave({});  // ctest has words for it
  if (!customize()) return false;
  if (options_.writes_xml && !project_.is_configured()) return leave({});
  if (!options_.stop_time.empty()) {
    stop_time_ = read_stop_time(options_.stop_time, begun_at_);
    if (!stop_time_) return leave("--stop-time " + options_.stop_time);
  }
  ListingRequest request{
      request_.ctest,   project_.binary_directory(), options_.configuration, options_.selection, {},
      options_.verbose, project_.is_customized(),    request_.meanwhile};
  if (options_.include.empty()) request.never = options_.exclude;
  auto listing = list_tests(request);
  if (!listing) return leave(listing.error());
  listing_ = std::move(*listing);
  if (listing_.version >= kUsesJobServer && has_job_server(request_.variable("MAKEFLAGS")))
    return leave("make's job server");
  const std::string unlisted = unlisted_property(project_.directory(), listing_.version);
  if (!unlisted.empty())
    return leave(unlisted + " with ctest " + listing_.version_text + ", which does not list it");
  for (const Test& test : listing_.tests) {
    if (!test.generated_resource_spec_file.empty()) return leave("GENERATED_RESOURCE_SPEC_FILE");
  }
  if (options_.writes_xml) {
    if (std::string left = left_out_of_xml(listing_.tests); !left.empty()) return leave(left);
  }
  seed_ = static_cast<unsigned>(std::time(nullptr));
  if (options_.random_seed && listing_.version >= kKnowsSeeds) seed_ = *options_.random_seed;
  cost_data_ = read_cost_data(project_.temporary() / "CTestCostData.txt");
  costs_ = costs_of(listing_.tests, cost_data_, slots_of(options_),
                    options_.schedule_random ? &seed_ : nullptr);
  commands_ = planned(listing_.tests, costs_, cost_data_);
  if (!scheduler::commands_in_circles(commands_).empty()) return leave({});
  return read_resources();
}

bool Session::customize() {
  if (project_.has_old_customization()) return leave("a file CTestCustom.ctest");
  if (!project_.is_customized()) return true;
  const auto custom = read_customization(request_.ctest, project_.customization_file());
  if (!custom) return leave(custom.error());
  if (custom->has_commands) return leave("commands of CTestCustom.cmake before or after the tests");
  options_.output_size_passed = custom->output_size_passed.value_or(options_.output_size_passed);
  options_.output_size_failed = custom->output_size_failed.value_or(options_.output_size_failed);
  options_.truncation = custom->truncation.value_or(options_.truncation);
  return true;
}

bool Session::read_resources() {
  std::string file = options_.resource_spec_file;
  if (file.empty()) file = resource_spec_of_project(project_.directory());
  if (file.empty()) return true;
  resources_ = read_resource_spec(project_.directory() / file);
  if (!resources_) return leave({});  // ctest knows what is wrong with it
  for (std::size_t index = 0; index < listing_.tests.size(); ++index) {
    lacking_resources_.push_back(lack_of(listing_.tests[index], *resources_, file));
    // It starts, to be told that it cannot.
    if (!lacking_resources_.back().empty()) commands_[index].needs.clear();
  }
  return true;
}

void Session::introduce(Console& console) const {
  const std::string& source = options_.source_directory;
  if (!options_.build_directory.empty() && source.empty() && listing_.version < kGoesSilently) {
    console.print("Internal ctest changing into directory: " + project_.directory().string() +
                  "\n");
  }
  const auto tell_configuration = [&](const Project& project) {
    const std::string file = project.configuration_file().string();
    console.print_verbose("UpdateCTestConfiguration  from :" + file + "\n");
    if (project.is_configured()) console.print_verbose("Parse Config file:" + file + "\n");
  };
  const Project first = source.empty() ? project_ : Project(source, true);
  tell_configuration(first);
  if (listing_.version < kReadsConfigurationOnce) {
    if (first.is_customized())
      console.print_verbose(" Add coverage exclude regular expressions.\n");
    tell_configuration(project_);
  }
  if (options_.writes_xml && listing_.version < kIsSilentWithXml) {
    console.print("   Site: " + project_.value("Site") +
                  "\n   Build name: " + project_.value("BuildName") + "\n");
    if (tag_.is_new) console.print("Create new tag: " + tag_.name + " - " + tag_.group + "\n");
  }
  console.print_always(listing_.early_remarks);
  console.print("Test project " + project_.directory().string() + "\n");
  console.print_verbose("Constructing a list of tests\n");
  console.print_always(listing_.remarks);
  console.complain(listing_.warnings);
  console.print_verbose(listing_.ignored_lines);
  console.print_verbose(
      std::string("Done constructing a list of tests\n") + "Updating test list for fixtures\n" +
      (listing_.fixture_lines.empty() ? "Added 0 tests to meet fixture requirements\n"
                                      : listing_.fixture_lines) +
      "Checking test dependency graph...\n"
      "Checking test dependency graph end\n");
}

void Session::set_environment() const {
  if (options_.interactive_debug) {
    setenv("CTEST_INTERACTIVE_DEBUG_MODE", "1", 1);
  } else {
    setenv("DART_TEST_FROM_DART", "1", 1);
    setenv("DASHBOARD_TEST_FROM_CTEST", listing_.version_text.c_str(), 1);
  }
  unsetenv("CTEST_RESOURCE_GROUP_COUNT");
}

// What an interrupted run has done is not done again. How many tests that is.
std::size_t Session::go_on(scheduler::CommandPlan& plan, Checkpoint& checkpoint, TestLog& log) {
  is_done_.assign(listing_.tests.size(), false);
  if (!options_.go_on) {
    checkpoint.remove();
    return 0;
  }
  const std::vector<int> numbers = checkpoint.read();
  if (numbers.empty()) return 0;
  log.add(
      "Resuming previously interrupted test set\n"
      "----------------------------------------------------------\n");
  std::size_t done = 0;
  for (std::size_t index = 0; index < listing_.tests.size(); ++index) {
    const int number = listing_.tests[index].number;
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) continue;
    is_done_[index] = true;
    ++done;
    plan.drop(index);
  }
  return done;
}

ReportSetting Session::report_setting(const Console& console) const {
  ReportSetting setting;
  setting.version = listing_.version;
  setting.total = listing_.tests.size();
  for (std::size_t index = 0; index < listing_.tests.size(); ++index) {
    if (!is_done_[index])
      setting.highest_number = std::max(setting.highest_number, listing_.tests[index].number);
  }
  setting.name_width = width_of_names(options_.name_width, listing_.tests);
  setting.output_on_failure = options_.output_on_failure;
  setting.progress =
      options_.progress && !console.has_log() && is_capable_terminal(request_.variable);
  setting.label_summary = options_.label_summary;
  setting.subproject_summary = options_.subproject_summary;
  setting.subprojects = words_of(project_.value("LabelsForSubprojects"));
  setting.colours = Colours(request_.variable, listing_.version);
  return setting;
}

std::string Session::log_name(const std::string& name) const {
  return name + (tag_.name.empty() ? "" : "_" + tag_.name) + ".log";
}

Outcome Session::carry_out() {
  if (!prepare()) return plainly(left_because_);
  Console console({options_.quiet, options_.verbose});
  if (!options_.output_log.empty() && !console.log_to(options_.output_log))
    return plainly("-O " + options_.output_log);
  if (listing_.version < kNamesNoKinds) console.name_kinds();
  const fs::path temporary = project_.temporary();
  std::error_code error;
  fs::create_directories(temporary, error);
  if (options_.writes_xml) tag_ = take_tag(project_, begun_at_);
  TestLog log(temporary / log_name("LastTest"));
  if (!log.is_open() || chdir(project_.directory().c_str()) != 0) return plainly({});
  set_environment();
  introduce(console);
  log.add("Start testing: " + clock_text(begun_at_) +
          "\n----------------------------------------------------------\n");
  if (options_.schedule_random && listing_.version >= kKnowsSeeds)
    log.add("Test order random seed: " + std::to_string(seed_) + "\n");

  scheduler::CommandOrder order = scheduler::CommandOrder::load;
  if (options_.distribution == Distribution::load_file) order = scheduler::CommandOrder::by_group;
  if (options_.schedule_random) order = scheduler::CommandOrder::by_cost;
  scheduler::CommandPlan plan(std::move(commands_), {slots_of(options_), order});
  if (resources_) plan.set_resources(*resources_);
  Checkpoint checkpoint(temporary / "CTestCheckpoint.txt");
  const std::size_t done = go_on(plan, checkpoint, log);
  Report report(console, report_setting(console));
  Interruption interruption;
  const std::unique_ptr<Executor> executor = request_.executor();
  Run run({options_, listing_, project_.timeout(), *executor, interruption, console, report, log,
           checkpoint, resources_.has_value(), lacking_resources_, stop_time_,
           !options_.quiet && !report.shows_progress() &&
               client::can_erase(STDOUT_FILENO, request_.variable("TERM"))},
          std::move(plan), std::move(costs_), done);
  Outcome outcome;
  outcome.signal = run.carry_out();
  if (outcome.signal != 0) return outcome;

  checkpoint.remove();
  std::vector<CostEntry> kept;
  for (std::size_t index = 0; index < is_done_.size(); ++index) {
    if (!is_done_[index]) kept.push_back(run.costs()[index]);
  }
  write_cost_data(temporary / "CTestCostData.txt", cost_data_, kept, run.failed());
  outcome.exit_code =
      conclude({options_, project_, listing_, run, console, report, log, tag_,
                temporary / log_name("LastTestsDisabled"), temporary / log_name("LastTestsFailed"),
                begun_at_, std::chrono::steady_clock::now() - begun_});
  return outcome;
}

}  // namespace

Outcome carry_out(const SessionRequest& request) { return Session(request).carry_out(); }

}  // namespace hearth::ctest
