#include "daemon/event_loop.h"

#include <algorithm>
#include <utility>

namespace hearth::daemon {

void EventLoop::watch(int fd, short events, FdCallback callback) {
  watches_[fd] = Watch{next_serial_++, events, std::move(callback)};
}

void EventLoop::change_events(int fd, short events) {
  if (auto it = watches_.find(fd); it != watches_.end()) it->second.events = events;
}

void EventLoop::unwatch(int fd) { watches_.erase(fd); }

void EventLoop::watch(zmq::socket_t& socket, Callback callback) {
  sockets_.push_back(SocketWatch{&socket, std::move(callback)});
}

EventLoop::TimerId EventLoop::at(Clock::time_point when, Callback callback) {
  const auto serial = next_serial_++;
  timers_.emplace(std::pair{when, serial}, std::move(callback));
  timer_times_.emplace(serial, when);
  return TimerId{serial};
}

void EventLoop::cancel(TimerId timer) {
  const auto it = timer_times_.find(static_cast<std::uint64_t>(timer));
  if (it == timer_times_.end()) return;
  timers_.erase({it->second, it->first});
  timer_times_.erase(it);
}

void EventLoop::run() {
  while (!stopped_) run_once();
}

void EventLoop::run_once() {
  std::vector<zmq::pollitem_t> items;
  std::vector<std::pair<int, std::uint64_t>> descriptors;
  items.reserve(sockets_.size() + watches_.size());
  for (auto& watched : sockets_) items.push_back({watched.socket->handle(), 0, ZMQ_POLLIN, 0});
  for (const auto& [fd, watched] : watches_) {
    // zmq::poll translates these and reports hang-ups and errors as ZMQ_POLLERR or readiness.
    short events = 0;
    if (watched.events & POLLIN) events |= ZMQ_POLLIN;
    if (watched.events & POLLOUT) events |= ZMQ_POLLOUT;
    items.push_back({nullptr, fd, events, 0});
    descriptors.emplace_back(fd, watched.serial);
  }

  std::chrono::milliseconds timeout{-1};
  if (!deferred_.empty()) {
    timeout = std::chrono::milliseconds{0};
  } else if (!timers_.empty()) {
    const auto left = timers_.begin()->first.first - Clock::now();
    // Rounded up: waking before the timer is due would spin.
    timeout =
        std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds{0});
  }
  try {
    zmq::poll(items, timeout);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    return;
  }

  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (items[i].revents & ZMQ_POLLIN) sockets_[i].callback();
  }
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    const auto revents = items[sockets_.size() + i].revents;
    if (revents == 0) continue;
    const auto it = watches_.find(descriptors[i].first);
    if (it == watches_.end() || it->second.serial != descriptors[i].second) continue;
    short events = 0;
    if (revents & ZMQ_POLLIN) events |= POLLIN;
    if (revents & ZMQ_POLLOUT) events |= POLLOUT;
    if (revents & ZMQ_POLLERR) events |= POLLERR;
    const auto callback = it->second.callback;  // a copy: it may unwatch itself
    callback(events);
  }
  run_timers();
  run_deferred();
}

void EventLoop::run_timers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    timer_times_.erase(node.key().second);
    node.mapped()();
  }
}

void EventLoop::run_deferred() {
  const auto deferred = std::exchange(deferred_, {});
  for (const auto& callback : deferred) callback();
}

}  // namespace hearth::daemon
