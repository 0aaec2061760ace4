#include "daemon/stop_watch.h"

#include "daemon/linux.h"

namespace hearth::daemon {
namespace {

constexpr auto usual_interval = std::chrono::milliseconds(200);
constexpr auto close_interval = std::chrono::milliseconds(10);
constexpr auto close_period = std::chrono::milliseconds(500);

}  // namespace

void StopWatch::watch(pid_t pid) {
  loop_.cancel(timer_);
  pid_ = pid;
  is_stopped_ = false;
  if (pid_ != 0) timer_ = loop_.after(usual_interval, [this] { look(); });
}

void StopWatch::expect_change() {
  if (pid_ == 0) return;
  close_until_ = Clock::now() + close_period;
  loop_.cancel(timer_);
  timer_ = loop_.after(close_interval, [this] { look(); });
}

void StopWatch::look() {
  const bool is_close = Clock::now() < close_until_;
  timer_ = loop_.after(is_close ? close_interval : usual_interval, [this] { look(); });
  const bool now = is_stopped_process(pid_);
  if (now == is_stopped_) return;
  is_stopped_ = now;
  changed_(now);
}

}  // namespace hearth::daemon
