// How old a stage may be in which project code has run: it may have looked at the clock, and that
// cannot be seen everywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

namespace hearth::daemon {

struct StageAge {
  using Clock = std::chrono::system_clock;

  std::chrono::minutes greatest{60};
  bool past_midnight = false;  // a stage may see the next day

  // `fresh_until`: as in stage_ready. A clock that was set back counts as passed.
  [[nodiscard]] bool is_passed(std::uint64_t fresh_until, Clock::time_point built,
                               Clock::time_point now) const {
    if (fresh_until == 0) return false;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
    const bool is_next_day = std::cmp_greater_equal(seconds.count(), fresh_until);
    return now < built || now - built > greatest || (is_next_day && !past_midnight);
  }
};

}  // namespace hearth::daemon
