// What must hold at every moment of a simulation, and at its end. A violation is noted as a
// sentence.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/scheduler.h"
#include "tests/scheduler/simulated_worker.h"

namespace hearth::scheduler {

class Checks {
 public:
  explicit Checks(const Scheduler& scheduler) : scheduler_(scheduler) {}

  // What the scheduler is told, and what it answers.
  void before(const Event& event, Time now);
  void after(const Event& event, const std::vector<Command>& commands, Time now);

  // What really happens in the simulated processes, before anybody hears of it.
  void item_starts(const SimulatedWorker& worker, Time now);
  void item_ends(const SimulatedWorker& worker, ItemId item, Time now);
  void worker_dies(const SimulatedWorker& worker);

  // When nothing happens any more.
  void at_end();

  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  [[nodiscard]] Duration longest_wait() const { return longest_wait_; }
  [[nodiscard]] Duration slot_time(RunId run) const;       // executing items; automatic runs
  [[nodiscard]] const FinishRun* finish(RunId run) const;  // none while it goes on

  // A run that lacks a slot for longer than this, though it has work, starves.
  void set_longest_allowed_wait(Duration wait) { allowed_wait_ = wait; }

 private:
  struct WorkerRecord {
    bool is_up = false;
    bool told_end = false;  // finish_worker or stop_worker
    bool told_stop = false;
    bool is_robbed = false;       // asked to give items back, and has not answered
    std::set<ItemId> unfinished;  // given to it, and not heard to be finished
    bool is_executing = false;
    std::uint32_t had = 0;              // items, without those that it gave back
    std::optional<std::uint32_t> file;  // of the first
  };
  struct RunRecord {
    RunSubmitted run;
    std::map<WorkerId, WorkerRecord> present;
    std::uint32_t times = 1;  // that each item is to be executed
    std::vector<std::uint32_t> scopes;
    std::vector<std::uint32_t> files;
    std::map<std::uint32_t, std::set<ItemId>> open;  // items that are not done, by scope
    std::uint32_t starts = 0;
    std::uint32_t leavers = 0;  // neither lost nor stopped: their places may be used again
    std::uint32_t losses = 0;
    std::multiset<ItemId> begun;  // really
    std::multiset<ItemId> ended;  // really
    std::multiset<ItemId> done;   // finished, as heard, or reported lost
    std::multiset<ItemId> lost;
    std::multiset<ItemId> died_in;
    std::uint64_t failures = 0;
    bool is_stopped = false;
    std::optional<FinishRun> finish;
    std::optional<Time> lacks_slot_since;
    Duration slot_time{};
  };

  void fail(RunId run, const std::string& what);
  void hear(const Event& event);
  void mark_done(RunRecord& run, ItemId item);
  void on(const StartWorker& command);
  void on(const AssignItems& command);
  void check_alone(const AssignItems& command, std::uint32_t scope);
  void on(const RevokeItems& command);
  void on(const ResumeWorker& command);
  void on(const PauseWorker& command);
  static void on(const LendSlots& /*command*/) {}
  static void on(const AskBackSlot& /*command*/) {}
  void on(const FinishWorker& command);
  void on(const StopWorker& command);
  void on(const ReportLostItem& command);
  void on(const ReportRestartsUsedUp& command);
  void on(const FinishRun& command);
  void on(const WakeAt& command);
  WorkerRecord& worker(RunId run, WorkerId worker, const char* command);
  void check_slots();
  void check_successors();
  void check_stopped();
  void check_waiting();
  [[nodiscard]] std::uint32_t explicit_slots() const;

  const Scheduler& scheduler_;
  std::map<RunId, RunRecord> runs_;
  std::set<RunId> sessions_;
  std::map<std::pair<RunId, WorkerId>, Time> executing_;  // really, since when; automatic runs
  std::map<std::pair<RunId, WorkerId>, std::set<ItemId>> begun_by_;  // really
  std::uint32_t automatic_slots_ = 0;                                // held after the last step
  Duration allowed_wait_ = Duration::max();
  Duration longest_wait_{};
  std::vector<std::string> violations_;
  Time now_{};
};

}  // namespace hearth::scheduler
