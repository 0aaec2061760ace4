// A scheduler to which events are told as text, and whose whole answer is compared.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scheduler/scheduler.h"
#include "tests/scheduler/text.h"

namespace hearth::scheduler {

using Lines = std::vector<std::string>;

class World {
 public:
  explicit World(std::uint32_t slots = 8)
      : scheduler_(Config{slots, std::chrono::milliseconds(100)}) {}

  // One event; all that is commanded.
  Lines when(const std::string& event) {
    return text::format(scheduler_.step(text::parse_event(event), now_));
  }

  // Several events; all that is commanded in answer to any.
  Lines given(const Lines& events) {
    Lines commands;
    for (const auto& event : events) {
      const Lines more = when(event);
      commands.insert(commands.end(), more.begin(), more.end());
    }
    return commands;
  }

  World& at(const std::string& seconds) {
    now_ = text::parse_time(seconds);
    return *this;
  }

  const Scheduler& scheduler() const { return scheduler_; }

 private:
  Scheduler scheduler_;
  Time now_{};
};

}  // namespace hearth::scheduler
