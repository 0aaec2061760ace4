// Which native zygotes end, because they are one too many, idle or stale.
#include <algorithm>
#include <cstddef>

#include "daemon/linux.h"
#include "daemon/native_pool.h"

namespace hearth::daemon {

void NativePool::drop_ended() {
  std::erase_if(zygotes_,
                [](const auto& each) { return each->state() == NativeZygote::State::ended; });
}

void NativePool::enforce_limit() {
  const auto kept = std::count_if(zygotes_.begin(), zygotes_.end(), [](const auto& each) {
    return each->state() == NativeZygote::State::ready ||
           each->state() == NativeZygote::State::building;
  });
  if (static_cast<std::size_t>(kept) >= limit_)
    retire_least_recently_used(Clock::time_point::max());
}

void NativePool::watch_for_idle_ones() {
  while (retire_least_recently_used(Clock::now() - idle_)) {
  }
  loop_.cancel(idle_timer_);
  idle_timer_ = {};
  const bool has_ready = std::any_of(zygotes_.begin(), zygotes_.end(), [](const auto& each) {
    return each->state() == NativeZygote::State::ready;
  });
  if (has_ready) idle_timer_ = loop_.after(idle_ / 2, [this] { watch_for_idle_ones(); });
}

void NativePool::retire_stale() {
  for (const auto& each : zygotes_) {
    if (each->state() == NativeZygote::State::ready && each->trace().first_difference())
      each->retire();
  }
}

bool NativePool::retire_least_recently_used(Clock::time_point used_before) {
  NativeZygote* oldest = nullptr;
  for (const auto& each : zygotes_) {
    if (each->state() != NativeZygote::State::ready || each->is_used() ||
        each->last_used() >= used_before)
      continue;
    if (oldest == nullptr || each->last_used() < oldest->last_used()) oldest = each.get();
  }
  if (oldest == nullptr) return false;
  oldest->retire();
  return true;
}

std::uint64_t NativePool::memory() const {
  std::uint64_t bytes = 0;
  for (const auto& each : zygotes_) {
    if (each->state() == NativeZygote::State::ready) bytes += pss_bytes(each->pid());
  }
  return bytes;
}

}  // namespace hearth::daemon
