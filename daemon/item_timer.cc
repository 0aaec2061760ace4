#include "daemon/item_timer.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "daemon/linux.h"
#include "daemon/log.h"

namespace hearth::daemon {
namespace {

// For a signal handler's few lines on a busy machine.
constexpr auto stack_patience = std::chrono::milliseconds(500);
constexpr std::uint64_t max_limit_ms = 366ULL * 24 * 60 * 60 * 1000;
constexpr std::size_t max_stack = 64u * 1024;
constexpr std::size_t max_captured = 1024u * 1024;

}  // namespace

ItemTimer::ItemTimer(EventLoop& loop, pid_t process, std::function<void()> hear,
                     std::function<void(Overdue)> overdue)
    : loop_(loop), process_(process), hear_(std::move(hear)), overdue_(std::move(overdue)) {}

ItemTimer::~ItemTimer() { loop_.cancel(timer_); }

void ItemTimer::begin(const protocol::TimeLimit& limit) {
  end();
  if (limit.limit_ms == 0) return;
  limit_ = limit;
  is_running_ = true;
  left_ = std::chrono::milliseconds(std::min(limit.limit_ms, max_limit_ms));
  if (!is_stopped_) arm();
}

void ItemTimer::end() {
  ++turn_;
  is_running_ = is_writing_ = false;
  loop_.cancel(timer_);
}

void ItemTimer::hold(bool is_stopped) {
  if (std::exchange(is_stopped_, is_stopped) == is_stopped || !is_running_) return;
  if (is_stopped) {
    loop_.cancel(timer_);
    left_ -= std::min(left_, Clock::now() - armed_at_);
  } else {
    arm();
  }
}

void ItemTimer::arm() {
  armed_at_ = Clock::now();
  timer_ = loop_.after(left_, [this] { time_has_come(); });
}

// Whether it has said so: perhaps long ago, where nobody has listened.
bool ItemTimer::is_over() {
  const auto turn = turn_;
  const std::weak_ptr<bool> alive = alive_;
  const auto hear = hear_;  // this object may be gone after it
  hear();
  return alive.expired() || turn != turn_;
}

void ItemTimer::time_has_come() {
  if (is_over()) return;
  is_writing_ = true;
  const auto number = static_cast<int>(limit_.stack_signal);
  if (number > 0 && number < NSIG && process_ > 1) ::kill(process_, number);
  timer_ = loop_.after(stack_patience, [this] { give_up(); });
}

std::optional<ItemTimer::Overdue> ItemTimer::overdue_at_its_end() {
  if (!is_writing_ || is_over()) return std::nullopt;
  end();
  return Overdue{limit_.item, limit_.limit_ms, {}, {}, {}};
}

void ItemTimer::give_up() {
  if (is_over()) return;
  log("run").info("item_overdue pid={} item={:?} limit_ms={}", process_, limit_.item,
                  limit_.limit_ms);
  const auto stack_file = static_cast<int>(std::min<std::uint64_t>(limit_.stack_file, INT32_MAX));
  Overdue overdue{limit_.item, limit_.limit_ms,
                  end_of_anonymous_file(process_, stack_file, max_stack),
                  end_of_anonymous_file(process_, 1, max_captured),
                  end_of_anonymous_file(process_, 2, max_captured)};
  end();
  overdue_(std::move(overdue));
}

}  // namespace hearth::daemon
