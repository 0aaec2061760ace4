// One run of `hearth ctest`: the listed tests are started as the plan says, read, timed, judged,
// shown and written down, until none is left or the run is to stop.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugin-shim/ctest/checkpoint.h"
#include "plugin-shim/ctest/console.h"
#include "plugin-shim/ctest/cost_data.h"
#include "plugin-shim/ctest/executor.h"
#include "plugin-shim/ctest/expressions.h"
#include "plugin-shim/ctest/interruption.h"
#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/options.h"
#include "plugin-shim/ctest/report.h"
#include "plugin-shim/ctest/result.h"
#include "plugin-shim/ctest/running_test.h"
#include "plugin-shim/ctest/test_log.h"
#include "scheduler/command_plan.h"

namespace hearth::ctest {

struct RunParts {
  const Options& options;
  const Listing& listing;
  Seconds usual_timeout{};  // of the project; zero: none
  Executor& executor;
  Interruption& interruption;
  Console& console;
  Report& report;
  TestLog& log;
  Checkpoint& checkpoint;
  // There is a specification of resources; then, for each test, what it cannot have (or nothing).
  bool has_resources = false;
  std::vector<std::string> lacking_resources;
  std::optional<std::chrono::system_clock::time_point> stop_time;
  bool shows_status = false;  // the line on a terminal
};

class Run {
 public:
  // `plan` and `costs`: of the listing's tests, in its order. `done`: how many of them an earlier
  // run has finished.
  Run(RunParts parts, scheduler::CommandPlan plan, std::vector<CostEntry> costs, std::size_t done);
  // The signal that stopped it; 0: none.
  int carry_out();

  // Each test that has ended, in that order.
  const std::vector<Result>& results() const { return results_; }
  Report::Counts counts() const { return counts_; }
  // Names, in the order in which they failed.
  const std::vector<std::string>& failed() const { return failed_; }
  // Of each of the listing's tests, what the cost data shall say from now on.
  const std::vector<CostEntry>& costs() const { return costs_; }

 private:
  using Clock = RunningTest::Clock;

  // A test that has its slots, for as many attempts as it takes.
  struct Place {
    std::size_t index = 0;  // of the listing's tests
    int attempts = 0;
    bool failed_before = false;
    std::optional<std::chrono::system_clock::time_point> begun;  // this attempt
    Command command;
    std::vector<std::string> resource_variables;
    std::optional<Clock::time_point> slow_at;  // when there is to be a word about it
    std::vector<unsigned> processors;
    std::unique_ptr<RunningTest> running;
  };
  using Places = std::list<Place>;

  // A test that is to begin as soon as one of those ends that run, and may have.
  struct Ahead {
    std::size_t index = 0;  // of the listing's tests
    CommandNumber number = 0;
    Command command;
    protocol::Fd output;
    protocol::Fd input;  // of the same pipe
    std::optional<CommandEnded> ended;
  };

  void start_ready();
  bool may_start_more();
  // How many slots may be used beyond those that are; none: this is to be asked again later.
  std::optional<std::size_t> more_slots();
  // Those that the machine's load leaves.
  std::optional<std::size_t> slots_by_load();
  void begin(const scheduler::CommandPlan::Start& start);
  // The next attempt; one that cannot start has ended, then.
  void start(Places::iterator place);
  bool make_pipe(protocol::Fd& output, protocol::Fd& input);
  // Its command is executed from now on.
  void is_executed(Places::iterator place, CommandNumber number, Command command,
                   protocol::Fd output);
  RunningTest::Limit limit_of(const Test& test) const;
  void pass_stop_time();
  void warn_of_slow_ones(Clock::time_point now);
  bool wait();
  void show_status();
  std::optional<Clock::time_point> next_time() const;
  void take_ended();
  void finish_what_is_done();

  // run_ahead.cc
  void order_ahead();
  bool may_order_ahead() const;
  bool may_be_ordered_ahead(std::size_t index) const;
  // Of a test whose turn has come, if it has begun or will.
  std::optional<Ahead> take_ahead(std::size_t index);
  void start_ahead(Places::iterator place, Ahead ahead);
  // Where one has begun because another one's process has ended, though that test has not.
  void pass_slots_on();
  // How many have begun for which there is no slot, and of a test without a process, when its slot
  // is theirs.
  std::size_t lacking_slots() const;
  static std::optional<Clock::time_point> passes_on_at(const Place& place);

  // run_end.cc
  void finish(Places::iterator place);
  void not_started(Places::iterator place, Verdict verdict);
  Result result_of(Place& place) const;
  void conclude(Places::iterator place, Result result, const std::string& output);
  bool wants_another(const Place& place, const Verdict& verdict) const;
  bool shows_count(const Place& place) const;

  TestOutput::Tell teller(const Test& test);
  const Test& test_of(const Place& place) const { return parts_.listing.tests[place.index]; }

  RunParts parts_;
  scheduler::CommandPlan plan_;
  Clock::time_point begun_ = Clock::now();
  std::vector<CostEntry> costs_;
  std::size_t done_ = 0;
  CommandNumber last_number_ = 0;
  Places places_;
  std::deque<Ahead> ahead_;  // in the order in which they begin
  // How many were done when the executor took none ahead: as long as it is so many, it is not
  // asked.
  std::optional<std::size_t> declined_at_;
  std::set<unsigned> free_processors_;
  std::vector<protocol::Fd> leaked_;                // outputs that somebody still holds
  std::optional<Clock::time_point> held_up_until_;  // by the machine's load
  bool waits_for_slots_ = false;                    // while it uses none
  bool stop_time_passed_ = false;
  Expressions expressions_;
  std::vector<Result> results_;
  Report::Counts counts_;
  std::vector<std::string> failed_;
  int interrupted_by_ = 0;
};

}  // namespace hearth::ctest
