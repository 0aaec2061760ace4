// Keeps warm processes from taking the machine's memory: retires those that nobody has used for a
// while, and the least recently used ones beyond a budget.
#pragma once

#include <cstdint>

#include "daemon/native_pool.h"
#include "daemon/zygote_pool.h"

namespace hearth::daemon {

class Housekeeper {
 public:
  struct Limits {
    std::uint64_t memory_bytes =
        0;  // of all zygotes, proportional set size; 0: a quarter of the machine's
    std::chrono::seconds idle{3 * 3600};           // unused for so long: retired
    std::chrono::seconds idle_under_pressure{60};  // while the machine is short of memory
  };

  Housekeeper(EventLoop& loop, ZygotePool& pool, NativePool& native_pool, Limits limits);
  ~Housekeeper();
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  void look();  // by itself every half minute

 private:
  EventLoop& loop_;
  ZygotePool& pool_;
  NativePool& native_pool_;
  Limits limits_;
  EventLoop::TimerId timer_{};
};

}  // namespace hearth::daemon
