#include "daemon/dispatcher.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "daemon/log.h"

namespace hearth::daemon {
namespace {

scheduler::Time now() {
  return std::chrono::duration_cast<scheduler::Time>(Clock::now().time_since_epoch());
}

}  // namespace

std::optional<scheduler::RunId> run_of(const scheduler::Action& action) {
  return std::visit(
      [](const auto& one) -> std::optional<scheduler::RunId> {
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, scheduler::WakeAt>) {
          return std::nullopt;
        } else {
          return one.run;
        }
      },
      action);
}

Dispatcher::Dispatcher(EventLoop& loop, scheduler::Config config)
    : loop_(loop), scheduler_(config) {}

Dispatcher::~Dispatcher() { loop_.cancel(wake_timer_); }

void Dispatcher::set_executor(scheduler::RunId run, Executor* executor) {
  if (executor) {
    executors_[run] = executor;
  } else {
    executors_.erase(run);
  }
}

void Dispatcher::post(scheduler::Event event) {
  posted_.push_back(std::move(event));
  if (handling_) return;
  handling_ = true;
  while (!posted_.empty()) {
    const auto next = std::move(posted_.front());
    posted_.pop_front();
    handle(next);
  }
  handling_ = false;
}

void Dispatcher::handle(const scheduler::Event& event) {
  for (const auto& command : scheduler_.step(event, now())) {
    const auto run = run_of(command.action);
    if (!run) {
      wake_at(std::get<scheduler::WakeAt>(command.action).time);
      continue;
    }
    const auto it = executors_.find(*run);
    if (it != executors_.end()) it->second->execute(command);
  }
}

void Dispatcher::wake_at(scheduler::Time time) {
  loop_.cancel(wake_timer_);
  wake_timer_ = loop_.at(Clock::time_point(std::chrono::duration_cast<Clock::duration>(time)),
                         [this] { post(scheduler::TimePassed{}); });
}

}  // namespace hearth::daemon
