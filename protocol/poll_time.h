// How long poll(2) may wait for a time of the steady clock: rounded up, so that nothing is looked
// at before its time; a day at most, after which the caller asks again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace hearth::protocol {

inline int milliseconds_until(std::chrono::steady_clock::time_point time) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(time - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 24 * 3600 * 1000));
}

}  // namespace hearth::protocol
