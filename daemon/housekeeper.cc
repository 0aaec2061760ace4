#include "daemon/housekeeper.h"

#include "daemon/linux.h"
#include "daemon/log.h"

namespace hearth::daemon {
namespace {

constexpr auto interval = std::chrono::seconds(30);
// Percentage of the last ten seconds in which some process waited for memory.
constexpr double pressure_threshold = 10.0;
constexpr std::uint64_t default_share_of_memory = 4;

}  // namespace

Housekeeper::Housekeeper(EventLoop& loop, ZygotePool& pool, NativePool& native_pool, Limits limits)
    : loop_(loop), pool_(pool), native_pool_(native_pool), limits_(limits) {
  if (limits_.memory_bytes == 0) limits_.memory_bytes = machine_memory() / default_share_of_memory;
  timer_ = loop_.after(interval, [this] { look(); });
}

Housekeeper::~Housekeeper() { loop_.cancel(timer_); }

void Housekeeper::look() {
  loop_.cancel(timer_);
  timer_ = loop_.after(interval, [this] { look(); });
  const auto pressure = memory_pressure();
  const bool is_short = pressure >= pressure_threshold;
  const auto idle = is_short ? limits_.idle_under_pressure : limits_.idle;
  while (pool_.retire_least_recently_used(Clock::now() - idle, "idle")) {
  }
  native_pool_.retire_stale();
  // A program's is built again sooner than an interpreter's.
  while (pool_.memory() + native_pool_.memory() > limits_.memory_bytes &&
         (native_pool_.retire_least_recently_used(Clock::time_point::max()) ||
          pool_.retire_least_recently_used(Clock::time_point::max(), "memory"))) {
  }
  if (is_short) log("housekeeper").info("memory_pressure some_avg10={:.1f}", pressure);
}

}  // namespace hearth::daemon
