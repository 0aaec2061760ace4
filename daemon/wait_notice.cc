#include "daemon/wait_notice.h"

#include <utility>

namespace hearth::daemon {
namespace {

constexpr auto unremarkable = std::chrono::milliseconds(500);
constexpr auto interval = std::chrono::milliseconds(100);  // between two looks

}  // namespace

WaitNotice::WaitNotice(EventLoop& loop, scheduler::RunId run, Look look, Tell tell)
    : loop_(loop), run_(run), look_(std::move(look)), tell_(std::move(tell)) {}

void WaitNotice::begin() {
  end();
  since_ = Clock::now();
  timer_ = loop_.after(unremarkable, [this] { look(); });
}

void WaitNotice::end() { loop_.cancel(timer_); }

void WaitNotice::look() {
  timer_ = loop_.after(interval, [this] { look(); });
  const auto awaited = look_();
  const auto now = Clock::now();
  if (!awaited || (awaited == told_ && now - told_at_ < std::chrono::seconds(1))) return;
  told_ = awaited;
  told_at_ = now;
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
  tell_(
      {run_.value, awaited->stage, static_cast<std::uint64_t>(waited.count()), awaited->for_slot});
}

}  // namespace hearth::daemon
