// Who may hold how many slots: divides the slots of the automatic runs max-min fairly.
//
// Nobody gets more than it wants; what nobody needs goes to those that want more, in equal parts.
// What cannot be divided (fewer slots than such runs, or a remainder) goes to the contenders with
// the least accumulated slot time, so they take turns. Slot time counts while a run contends: one
// that begins to contend starts level with the least served.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "scheduler/events.h"
#include "scheduler/run.h"

namespace hearth::scheduler {

// One run's part in a division.
struct Share {
  RunId run;
  SlotUse use;
  std::uint32_t entitled = 0;  // filled in by divide()

  [[nodiscard]] std::uint32_t missing() const {
    return entitled > use.kept ? entitled - use.kept : 0;
  }
  [[nodiscard]] std::uint32_t surplus() const {
    return use.kept > entitled ? use.kept - entitled : 0;
  }
};

class Slots {
 public:
  explicit Slots(Duration quantum) : quantum_(quantum) {}

  // Fills in `entitled`; `shares` are all automatic runs, in order of their id.
  void divide(std::uint32_t budget, std::vector<Share>& shares, Time now);

  // Whether the run has had its oldest slot long enough for it to be asked back.
  [[nodiscard]] bool quantum_over(const Share& share, Time now) const;

  // When the division, or what follows from it, changes though nothing happens. After divide(),
  // with the same shares.
  [[nodiscard]] std::optional<Time> next_turn(const std::vector<Share>& shares, Time now) const;

  // How many slots a run holds from now on, those that are returning included; its slot time
  // follows from it.
  void set_held(RunId run, std::uint32_t held, Time now);

  void forget(RunId run) { accounts_.erase(run); }

 private:
  struct Account {
    Duration served{};
    std::uint32_t held = 0;
    Time counted_until{};
    Time last_held{};
    bool contends = false;
  };

  void count_slot_time(Account& account, Time now) const;
  void let_contend(const std::vector<Share*>& contenders, std::vector<Share>& shares, Time now);

  Duration quantum_;
  std::map<RunId, Account> accounts_;
};

}  // namespace hearth::scheduler
