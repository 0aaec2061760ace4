// Simulated runs on a simulated machine: carries the scheduler's commands out on simulated workers,
// in simulated time, with random delays, durations, failures, deaths, cancellations and changes of
// slots, all from one seed; and checks what must always hold while it does (see checks.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/scheduler.h"
#include "tests/scheduler/checks.h"
#include "tests/scheduler/simulated_worker.h"

namespace hearth::scheduler {

// How a run behaves, beside what it asks for.
struct Behaviour {
  RunSubmitted run;
  Time submitted_at{};
  std::optional<Time> cancelled_at;
  Duration shortest{};
  Duration longest = std::chrono::milliseconds(2);
  double failing = 0;  // chances, of each item or worker
  double dying_in_item = 0;
  double overdue = 0;  // in an item: the worker is ended for it
  double dying_at_start = 0;
  double dying_at_end = 0;
  double fatal = 0;
};

struct Plan {
  std::uint64_t seed = 0;
  std::uint32_t slots = 2;
  Duration quantum = std::chrono::milliseconds(100);
  Duration delay = std::chrono::microseconds(300);  // the longest, of a message
  std::vector<Behaviour> runs;
  std::vector<std::pair<Time, std::uint32_t>> slot_changes;
  std::vector<std::pair<Time, Time>> sessions;  // from, to
  std::vector<Time> kills;                      // of any worker
  bool ends_while_paused =
      true;  // whether a worker whose queue is done ends without another resume
};

class Simulation {
 public:
  explicit Simulation(Plan plan);

  // Until nothing happens any more.
  void run();

  [[nodiscard]] const Checks& checks() const { return checks_; }
  [[nodiscard]] Checks& checks() { return checks_; }
  [[nodiscard]] Time now() const { return now_; }
  [[nodiscard]] std::uint64_t commands() const { return commands_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }  // of all commands, in order

 private:
  struct Happening {
    Time time;
    std::uint64_t number;
    std::function<void()> what;
    bool operator<(const Happening& other) const {
      return std::tie(time, number) > std::tie(other.time, other.number);
    }
  };
  using Key = std::pair<RunId, WorkerId>;

  void at(Time time, std::function<void()> what);
  void tell(const Event& event);
  void carry_out(const Action& action);
  void to_worker(Key key, std::function<void(SimulatedWorker&)> change);
  void say(SimulatedWorker& worker, Event event);
  void go_on(SimulatedWorker& worker);
  void start_item(SimulatedWorker& worker);
  void end_session(SimulatedWorker& worker);
  void die(SimulatedWorker& worker, bool was_overdue = false);
  void kill_someone();
  bool chance(double probability);
  Duration between(Duration least, Duration most);

  Plan plan_;
  std::mt19937_64 random_;
  Scheduler scheduler_;
  Checks checks_;
  std::map<RunId, const Behaviour*> behaviours_;
  std::map<Key, SimulatedWorker> workers_;
  std::priority_queue<Happening> happenings_;
  std::uint64_t happened_ = 0;
  std::uint64_t commands_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t digest_ = 14695981039346656037ULL;
  std::uint64_t timer_ = 0;
  Time now_{};
};

}  // namespace hearth::scheduler
