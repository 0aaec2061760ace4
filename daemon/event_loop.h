// One thread, one loop: descriptors, ZeroMQ sockets and timers.
//
// Callbacks run on the thread that called run(). They may add and remove watches and timers freely,
// their own included; a removed watch is never called again, also when its event was already seen
// in the same round.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>
#include <zmq.hpp>

namespace hearth::daemon {

using Clock = std::chrono::steady_clock;

class EventLoop {
 public:
  using FdCallback = std::function<void(short events)>;  // poll(2)'s revents
  using Callback = std::function<void()>;
  enum class TimerId : std::uint64_t {};

  // `fd` stays the caller's; unwatch it before closing it. One watch per descriptor.
  void watch(int fd, short events, FdCallback callback);
  void change_events(int fd, short events);
  void unwatch(int fd);

  // Called while the socket has something to receive; the callback should receive until it would
  // block. For life.
  void watch(zmq::socket_t& socket, Callback callback);

  TimerId at(Clock::time_point when, Callback callback);
  TimerId after(Clock::duration delay, Callback callback) {
    return at(Clock::now() + delay, std::move(callback));
  }
  void cancel(TimerId timer);  // of a timer that has fired: nothing

  // Called once, at the end of this round.
  void defer(Callback callback) { deferred_.push_back(std::move(callback)); }

  void run();                               // until stop()
  void run_for_one_round() { run_once(); }  // waits for one event or timer
  void stop() { stopped_ = true; }

 private:
  struct Watch {
    std::uint64_t serial = 0;
    short events = 0;
    FdCallback callback;
  };
  struct SocketWatch {
    zmq::socket_t* socket = nullptr;
    Callback callback;
  };

  void run_once();
  void run_timers();
  void run_deferred();

  std::map<int, Watch> watches_;
  std::vector<SocketWatch> sockets_;
  std::map<std::pair<Clock::time_point, std::uint64_t>, Callback> timers_;
  std::map<std::uint64_t, Clock::time_point> timer_times_;
  std::vector<Callback> deferred_;
  std::uint64_t next_serial_ = 1;
  bool stopped_ = false;
};

}  // namespace hearth::daemon
