// Who runs what next. A pure machine: step(event, now) returns the commands to carry out, in order.
//
// No I/O, clock, thread, log or wire type; the same events give the same commands. The caller
// carries commands out and reports what happened as events; it may batch events, but keeps the
// order of those of one worker.
//
// Slots. A slot is permission to keep one core busy. A worker executes items only between
// resume_worker and the WorkerPaused (or WorkerExited) that gives its slot back, so a slot changes
// hands between items, never within one. Runs with an explicit number of workers, and sessions,
// take what they ask. The others share what is left (at least one slot) max-min fairly; where there
// are more runs than slots they take turns (Config::quantum), least served first. So do runs that
// start processes of their own on slots that they are lent; one of these that is alone gets all
// that it wants, even more than there are. A run that another run's item or command has started,
// and waits for, finds one more slot there: the other one's own, which does nothing else meanwhile.
#pragma once

#include <memory>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

struct Config {
  std::uint32_t slots = 1;
  // How long a run keeps a slot that another run waits for.
  Duration quantum = std::chrono::milliseconds(100);
};

// What a run holds now, for status.
struct RunState {
  std::uint32_t workers = 0;  // started and not yet exited
  std::uint32_t slots = 0;
  std::uint32_t items = 0;
  std::uint32_t finished = 0;
};

class Scheduler {
 public:
  explicit Scheduler(Config config);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // `now` never decreases. An event for an unknown run or worker is ignored: it may have crossed a
  // command.
  [[nodiscard]] std::vector<Command> step(const Event& event, Time now);

  [[nodiscard]] std::uint32_t slots() const;
  [[nodiscard]] std::uint32_t slots_busy() const;
  [[nodiscard]] std::optional<RunState> state(RunId run) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::scheduler
