// A native zygote: a program's process that is paused before its main, the channel to it, and what
// it was seen to read.
//
// building --stage_ready--> ready --retire--> retiring --(its last child has ended)--> ended
//          --stage_ready, and it must not be forked--> ended
// Whatever happens to the process or the channel: ended. Commands that were forked and not reported
// by then have gone with it.
//
// Everything happens on the loop's thread.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/event_loop.h"
#include "daemon/native_key.h"
#include "daemon/placeholder_streams.h"
#include "daemon/process_table.h"
#include "daemon/trace.h"
#include "protocol/channel.h"

namespace hearth::daemon {

class NativeZygote {
 public:
  enum class State { building, ready, retiring, ended };

  // Called from the loop. The zygote may not be destroyed within a call.
  struct Listener {
    virtual ~Listener() = default;
    virtual void main_reached(NativeZygote& zygote) = 0;
    virtual void command_refused(NativeZygote& zygote, const protocol::CommandRefused& refused) = 0;
    virtual void command_exited(NativeZygote& zygote, const protocol::CommandExited& exited) = 0;
    virtual void command_withdrawn(NativeZygote& zygote,
                                   const protocol::CommandWithdrawn& withdrawn) = 0;
    virtual void process_ended(NativeZygote& zygote) = 0;  // state is ended
  };

  // `patience`: how long it may take to come to main.
  NativeZygote(EventLoop& loop, ProcessTable& processes, Listener& listener, NativeKey key,
               Clock::duration patience);
  ~NativeZygote();
  NativeZygote(const NativeZygote&) = delete;
  NativeZygote& operator=(const NativeZygote&) = delete;

  // `library`: what takes over main; `first`: what has to be preloaded before it. An error text, or
  // empty.
  [[nodiscard]] std::string spawn(const std::string& library,
                                  const std::vector<std::string>& first);

  // Its number is the caller's, of all its zygotes; what was printed is filled in here. Once for
  // each: command_exited, command_refused, command_withdrawn or process_ended.
  void fork_command(protocol::ForkCommand order, std::vector<protocol::Fd> descriptors);
  void withdraw_command(std::uint64_t number);
  void signal_command(std::uint64_t number, int signal, bool whole_tree);

  void retire();  // takes no new work
  void kill();    // now, with its children; process_ended follows

  State state() const { return state_; }
  const NativeKey& key() const { return key_; }
  pid_t pid() const { return pid_; }
  Trace& trace() { return trace_; }
  const std::vector<protocol::Finding>& findings() const { return findings_; }
  // How it ended: for people.
  const std::string& end() const { return end_; }
  bool is_used() const { return !running_.empty(); }
  // Whether it has told of this command's end, of the latest ones.
  bool has_exited(std::uint64_t number) const { return exited_.contains(number); }
  Clock::time_point last_used() const { return last_used_; }
  protocol::ZygoteStatus status() const;

 private:
  void on_events(short events);
  void on_message(const protocol::Message& message);
  void update_watch();
  void close_channel();
  void ended(int wait_status);

  EventLoop& loop_;
  ProcessTable& processes_;
  Listener& listener_;
  NativeKey key_;
  Clock::duration patience_;
  State state_ = State::building;
  pid_t pid_ = 0;
  std::unique_ptr<protocol::Channel> channel_;
  PlaceholderStreams streams_;
  PlaceholderStreams::Printed printed_;
  Trace trace_;
  std::vector<protocol::Finding> findings_;
  std::string end_;
  std::set<std::uint64_t> running_;
  std::set<std::uint64_t> exited_;
  std::uint64_t served_ = 0;
  EventLoop::TimerId patience_timer_{};
  Clock::time_point started_ = Clock::now();
  Clock::time_point last_used_ = Clock::now();
};

}  // namespace hearth::daemon
