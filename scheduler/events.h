// What the scheduler is told and what it answers: plain values, no behaviour.
//
// Times are durations since an epoch that the caller chooses (only differences matter). Items are
// indices into the run's collection. Every type is a value; nothing here refers to a process, a
// socket or a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hearth::scheduler {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::nanoseconds;

// clang-tidy 14 takes the zero that a comparison by <=> is compared with for a pointer.
// NOLINTBEGIN(modernize-use-nullptr)
struct RunId {
  std::uint64_t value = 0;
  auto operator<=>(const RunId&) const = default;
};

// Workers are numbered within their run in the order of their start, replacements included: gw0 is
// WorkerId{0}.
struct WorkerId {
  std::uint32_t value = 0;
  auto operator<=>(const WorkerId&) const = default;
};

struct ItemId {
  std::uint32_t value = 0;
  auto operator<=>(const ItemId&) const = default;
};
// NOLINTEND(modernize-use-nullptr)

enum class Policy { load, load_scope, load_file, load_group, work_steal, each };

// ---- events (past tense)

// A distributed run whose items are known asks for workers.
struct RunSubmitted {
  RunId run;
  Policy policy = Policy::load;
  std::vector<std::string> items;  // node ids, in collection order
  // With load_group: the group of each item, empty for one that has none. No list: none has any.
  std::vector<std::string> groups;
  // Where scopes are kept whole: those with most items first; else in collection order.
  bool reorder_scopes = true;
  // -n N: takes what it asks. None: -n auto, shares the slots.
  std::optional<std::uint32_t> workers;
  // With auto, the most workers to use; 0: as many as there are slots.
  std::uint32_t auto_workers = 0;
  // --maxfail
  std::optional<std::uint32_t> max_failures;
  // --max-worker-restart. None: four for each worker asked for, as in xdist.
  std::optional<std::uint32_t> max_worker_restarts;
  // --maxschedchunk
  std::optional<std::uint32_t> max_chunk;
  // A worker that has had so many items is finished, and a fresh one succeeds it; if it is one,
  // also a worker that is lost while it executes it, which uses up no restart then.
  std::optional<std::uint32_t> max_items_per_worker;
  // Likewise a worker whose next item is of another file than its first.
  bool isolates_files = false;
  // Somebody says of each lost item whether it is to be executed again: LostItemJudged.
  bool judges_lost_items = false;
  // Something that another run executes, on a slot, has started this one and waits for it.
  bool is_inside = false;
};

// A session that executes its items itself (no workers) began: it counts as one explicit worker.
struct SessionStarted {
  RunId run;
};
struct SessionEnded {
  RunId run;
};

// A run that starts processes of its own, on slots that it is lent: it could use so many, those
// included that it has. The first time it becomes known; until RunCancelled, which frees all.
struct SlotsWanted {
  RunId run;
  std::uint32_t slots = 0;
  bool is_inside = false;  // as in RunSubmitted
};

// It has given some back, because it was asked to or does not need them.
struct SlotsReturned {
  RunId run;
  std::uint32_t slots = 0;
};

// It is stopped (by Ctrl-Z), or goes on: the slots that it has are others' meanwhile.
struct BorrowerStopped {
  RunId run;
  bool is_stopped = false;
};

// A worker that start_worker asked for is up and reads its channel. It begins paused. Its first
// items are assigned now, not before.
struct WorkerStarted {
  RunId run;
  WorkerId worker;
};

struct ItemStarted {
  RunId run;
  WorkerId worker;
  ItemId item;
};

struct ItemFinished {
  RunId run;
  WorkerId worker;
  ItemId item;
  Duration duration{};
  std::uint32_t failures = 0;  // reports that count for max_failures
};

// Failures that belong to no item (a worker's session, a collection error); fatal: the run goes no
// further.
struct WorkerFailed {
  RunId run;
  WorkerId worker;
  std::uint32_t failures = 0;
  bool fatal = false;
};

// The worker holds at an item boundary and executes nothing until resume_worker. Without
// pause_worker it means the same.
struct WorkerPaused {
  RunId run;
  WorkerId worker;
};

// The worker gave these items back; they had not been started. Answers revoke_items, also where
// there is none that it could give.
struct ItemsRevoked {
  RunId run;
  WorkerId worker;
  std::vector<ItemId> items;
};

// The worker's process is gone (or could not be started). Everything that it had sent was delivered
// before. It counts as lost unless its session was finished and no item was left in its queue, or
// it was ended because its item took longer than it may: that item is lost, but a fresh worker
// succeeds it.
struct WorkerExited {
  RunId run;
  WorkerId worker;
  bool session_finished = false;  // it ended as it was asked to, after its last item
  bool was_overdue = false;       // the caller ended it for its item
};

// The answer to ReportLostItem in a run that judges_lost_items. Until it comes the run is not over,
// and workers that have nothing else to do wait.
struct LostItemJudged {
  RunId run;
  ItemId item;
  bool again = false;  // once more, in any worker; else it counts as a failure
};

struct RunCancelled {
  RunId run;
};

// The machine's number of slots (at the start, or after a change of affinity or quota).
struct SlotsChanged {
  std::uint32_t slots = 1;
};

// The time that wake_at asked for has come (or any other time).
struct TimePassed {};

using Event = std::variant<RunSubmitted, SessionStarted, SessionEnded, SlotsWanted, SlotsReturned,
                           BorrowerStopped, WorkerStarted, ItemStarted, ItemFinished, WorkerFailed,
                           WorkerPaused, ItemsRevoked, WorkerExited, LostItemJudged, RunCancelled,
                           SlotsChanged, TimePassed>;

// ---- commands (imperative)

struct StartWorker {
  RunId run;
  WorkerId worker;
  std::optional<WorkerId> replaces;  // one that was lost
  // One that has had its share, or was ended for its item: the new one goes on in its place.
  std::optional<WorkerId> succeeds;
  bool operator==(const StartWorker&) const = default;
};

struct AssignItems {
  RunId run;
  WorkerId worker;
  std::vector<ItemId> items;
  bool operator==(const AssignItems&) const = default;
};

// Give these back, as far as they are neither started nor the successor of the one in execution;
// ItemsRevoked follows (or WorkerExited).
struct RevokeItems {
  RunId run;
  WorkerId worker;
  std::vector<ItemId> items;
  bool operator==(const RevokeItems&) const = default;
};

// The worker has a slot from now on.
struct ResumeWorker {
  RunId run;
  WorkerId worker;
  bool operator==(const ResumeWorker&) const = default;
};

// Give the slot back at the next item boundary; WorkerPaused follows (or WorkerExited).
struct PauseWorker {
  RunId run;
  WorkerId worker;
  bool operator==(const PauseWorker&) const = default;
};

// So many more of the slots that were wanted are the run's from now on.
struct LendSlots {
  RunId run;
  std::uint32_t slots = 0;
  bool operator==(const LendSlots&) const = default;
};

// Give one back as soon as it is not in use; SlotsReturned follows (or RunCancelled).
struct AskBackSlot {
  RunId run;
  bool operator==(const AskBackSlot&) const = default;
};

// Nothing will be added to the worker's queue: finish it, then the session. It executes items with
// a slot only, as before; to end the session after the last one takes none.
struct FinishWorker {
  RunId run;
  WorkerId worker;
  bool operator==(const FinishWorker&) const = default;
};

// Start no further item, drop the queue, finish the session; paused or not. May come before the
// worker is up: then it need not come up at all. Either way WorkerExited is waited for.
struct StopWorker {
  RunId run;
  WorkerId worker;
  bool operator==(const StopWorker&) const = default;
};

// The item was being executed when its worker was lost; it will not be executed again, unless the
// run judges_lost_items and LostItemJudged says so. It counts as one failure for max_failures
// (xdist does not count it).
struct ReportLostItem {
  RunId run;
  WorkerId worker;
  ItemId item;
  bool operator==(const ReportLostItem&) const = default;
};

// More workers were lost than max_worker_restarts allows to replace, this one included (whether or
// not there was work for another). The run goes on with the workers that it has.
struct ReportRestartsUsedUp {
  RunId run;
  WorkerId worker;
  bool operator==(const ReportRestartsUsedUp&) const = default;
};

enum class Outcome { completed, max_failures, cancelled, failed };

// The run's last command: all its workers are gone.
struct FinishRun {
  RunId run;
  Outcome outcome = Outcome::completed;
  std::vector<ItemId>
      not_executed;  // when it failed: items that were neither finished nor reported lost
  bool operator==(const FinishRun&) const = default;
};

// Send TimePassed at this time. There is one timer: the latest wake_at counts.
struct WakeAt {
  Time time{};
  bool operator==(const WakeAt&) const = default;
};

using Action = std::variant<StartWorker, AssignItems, RevokeItems, ResumeWorker, PauseWorker,
                            LendSlots, AskBackSlot, FinishWorker, StopWorker, ReportLostItem,
                            ReportRestartsUsedUp, FinishRun, WakeAt>;

struct Command {
  Action action;
  const char* reason = "";  // static text, for the log
};

}  // namespace hearth::scheduler
