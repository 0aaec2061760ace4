// One zygote: a paused process, the channel to it, and what it was seen to read.
//
// building --stage_ready--> ready | refused | (process ends) ended
// ready    --retire, or its channel is lost--> retiring --> ended
// refused  --start_process without fork--> retiring --> ended: it is a run's process then, and no
//                                          zygote any more
//
// Everything happens on the loop's thread. A zygote outlives its state `ended` until the pool has
// dropped it: not while somebody holds it, nor while it has children.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/event_loop.h"
#include "daemon/import_history.h"
#include "daemon/placeholder_streams.h"
#include "daemon/process_table.h"
#include "daemon/stage_age.h"
#include "daemon/stage_key.h"
#include "daemon/trace.h"
#include "daemon/tried_arguments.h"
#include "protocol/channel.h"

namespace hearth::daemon {

class Zygote {
 public:
  enum class State { building, ready, refused, retiring, ended };

  // What the pool does when something happened to a zygote. Called from the loop.
  struct Listener {
    virtual ~Listener() = default;
    virtual void stage_reached(Zygote& zygote) = 0;    // state is ready or refused
    virtual void process_ended(Zygote& zygote) = 0;    // state is ended
    virtual void released(Zygote& zygote) = 0;         // nobody holds it any more
    virtual void arguments_tried(Zygote& zygote) = 0;  // or given up: it was asked and is gone
    virtual void imports_observed(Zygote& zygote, const protocol::ImportsObserved& imports) = 0;
  };

  // `fork_patience`: how long it may take to answer a request. It has only to fork; one that does
  // not (a process that was stopped, or hangs in a fork handler) is killed.
  Zygote(EventLoop& loop, ProcessTable& processes, Listener& listener, StageKey key, Zygote* parent,
         Clock::duration fork_patience);
  ~Zygote();
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;

  // Starts the process: an interpreter is spawned, any other stage is forked by the parent. An
  // error text, or empty.
  // `zygote_program`: the Python file that it runs; the recorder lies in the directory above.
  [[nodiscard]] std::string spawn_interpreter(const std::string& zygote_program,
                                              const ProcessRequest& request);
  // `plan`: of the stage `preloaded`, what to import.
  [[nodiscard]] std::string build_from_parent(const ProcessRequest& request,
                                              ImportHistory::Plan plan = {});

  // Forks a process of a run (or turns a refused zygote into it). `descriptors`: control, data, 0,
  // 1, 2. `on_started` gets its pid, or 0 when the zygote was lost before it answered.
  void start_process(protocol::StartProcess start, std::vector<protocol::Fd> descriptors,
                     std::function<void(pid_t)> on_started);

  // Asks what this list comes to, unless it is being asked already: Listener::arguments_tried
  // follows.
  void try_arguments(const std::vector<std::string>& args);
  // What it comes to in forks of this zygote and of those above it, if that is known. To be
  // asked of parsed_by().
  std::shared_ptr<TriedArguments> tried(const std::vector<std::string>& args) const;
  void forget_tried(const std::vector<std::string>& args) { tried_->erase(args); }
  // From here on both know what either is told: they were built for the same command.
  void share_tried_with(const Zygote& twin) { tried_ = twin.tried_; }
  // The one that parsed the arguments: this, or one below.
  Zygote& parsed_by();
  // Why it cannot serve these arguments, as tried with parsed_by(); nothing: what was read is the
  // same.
  std::optional<protocol::Cause> differing_option(const TriedArguments& tried) const;

  // A run that goes on needs the very zygote that it began with, also when it is stale by now: a
  // retired zygote ends only when nobody holds it, and its last child has ended.
  void hold() { ++holders_; }
  void release();
  bool is_held() const { return holders_ > 0; }

  // Whether it can be asked for a fork, also while it is retiring (whoever holds it may).
  bool is_reachable() const { return channel_ && !channel_->closed(); }

  // Takes no new work. While it is being built for somebody, it is only marked: its end would be
  // taken for the run's.
  void retire();
  bool is_to_retire() const { return retire_wanted_; }
  void kill();  // now; process_ended follows

  State state() const { return state_; }
  const StageKey& key() const { return key_; }
  Command command() const;
  const std::vector<std::string>& args() const { return built_for_.args; }
  Zygote* parent() const { return parent_; }
  pid_t pid() const { return pid_; }
  const protocol::StageReady& ready() const { return ready_; }
  // What was done in this stage that is no file; for people.
  const std::vector<protocol::Finding>& findings() const { return ready_.findings; }
  // Whether it, or one below, has something that no two processes may have: it is forked once.
  bool serves_once() const { return serves_once_for() != nullptr; }
  const protocol::Finding* serves_once_for() const;
  // Whether it, or one below, has made, written or removed files.
  bool has_changed_files() const;
  // Whether the clock that was perhaps looked at in this stage has gone on too far.
  bool is_too_old(const StageAge& age) const {
    return age.is_passed(ready_.fresh_until, built_at_, StageAge::Clock::now());
  }
  const std::string& failure() const { return failure_; }
  bool plain_fails_too() const { return plain_fails_too_; }  // for the same reason
  // Ended, because of what was imported ahead, in it or below it.
  const std::optional<protocol::PreloadRejected>& preload_rejected() const {
    return preload_rejected_;
  }
  const ImportHistory::Plan& plan() const { return plan_; }
  // Whether modules were imported ahead for it.
  bool is_on_preloaded() const {
    return key_.stage == protocol::Stage::preloaded || (parent_ && parent_->is_on_preloaded());
  }
  // The command that it was built for, whole.
  const protocol::ProcessSpec& built_for() const { return built_for_; }
  // Ended, because the zygote below it did: before it had forked this one, or with it.
  bool parent_was_lost() const { return parent_was_lost_; }
  // A zygote below it is gone: it is about to die, and so would whatever is forked from it.
  bool is_orphaned() const { return parent_ && (parent_->has_hung_up() || parent_->is_orphaned()); }
  int wait_status() const { return wait_status_; }
  // The node id of the file that it was about to collect, of a worker that has not paused yet.
  const std::string& collecting() const { return collecting_; }
  Clock::time_point build_started() const { return build_started_; }
  Clock::time_point last_used() const { return last_used_; }
  std::uint64_t served() const { return served_; }
  // Whether a process of a run with these arguments has gone on from it.
  bool has_served(const std::vector<std::string>& args) const {
    return served_args_.contains(args);
  }
  // Nobody waited for it when it was built.
  bool is_built_ahead() const { return is_built_ahead_; }
  void set_built_ahead() { is_built_ahead_ = true; }
  // Its end was wanted, or it goes on as a process of a run.
  bool is_told_to_end() const { return is_told_to_end_; }
  bool has_paused() const { return has_paused_; }
  std::size_t files() const;

  // Whether it was or is being built for this environment and identity.
  bool is_built_for(const ProcessRequest& request) const;
  // The variable that was read, here or below, and is another one for this request (a worker's
  // identity is told by variables). None: it may serve, as far as the environment goes.
  std::optional<protocol::Cause> differing_variable(const ProcessRequest& request) const;
  bool serves(const ProcessRequest& request) const { return !differing_variable(request); }
  // What it was built with is this request's environment, whoever a worker is.
  bool has_environment_of(const ProcessRequest& request) const {
    return built_for_.environment == request.spec.environment;
  }
  // Its trace and those below it; the variables that were read, likewise.
  Trace whole_trace() const;
  std::vector<protocol::EnvironmentRead> whole_reads() const;
  // The first file of this zygote's trace (the ones below it not included) that differs now. Not
  // looked for again when none did at `since` or later.
  std::optional<protocol::Cause> first_difference(Clock::time_point since) {
    return trace_.first_difference_since(since);
  }
  // Those that its own trace has files in.
  std::vector<std::string> directories() const { return trace_.directories(); }
  // What was printed by this stage and those below it.
  PlaceholderStreams::Printed printed();

 private:
  struct Request {
    std::function<void(pid_t)> on_answer;
    EventLoop::TimerId timer{};
  };
  using Arguments = std::vector<std::string>;

  [[nodiscard]] std::string open_channel(protocol::Fd& theirs);
  void on_events(short events);
  void on_message(protocol::Message message);
  void on_ready(protocol::StageReady ready);
  void hand_over(protocol::StartProcess start, std::vector<protocol::Fd> descriptors,
                 std::function<void(pid_t)> on_started);
  void await_answer(std::uint64_t request, std::function<void(pid_t)> on_answer);
  void give_up_requests();
  void end_when_sent();
  void on_forked_for_stage(pid_t pid);
  void on_forked(const protocol::Forked& forked);
  void on_tried(protocol::ArgumentsTried answer);
  void adopt_pid(pid_t pid);
  bool has_hung_up() const;
  void channel_lost();
  void set_ended(int wait_status);
  void send(const protocol::Message& message, std::vector<protocol::Fd> descriptors = {});
  void update_watch();
  void close_channel();

  EventLoop& loop_;
  ProcessTable& processes_;
  Listener& listener_;
  StageKey key_;
  protocol::WorkerIdentity identity_;          // that it was built with
  std::shared_ptr<TriedArguments> own_tried_;  // args(), with parsed_by()
  using Tried = std::map<Arguments, std::shared_ptr<TriedArguments>>;
  std::shared_ptr<Tried> tried_ = std::make_shared<Tried>();
  std::map<std::uint64_t, Arguments> trying_;
  Zygote* parent_;
  Clock::duration fork_patience_;
  State state_ = State::building;
  pid_t pid_ = 0;
  std::unique_ptr<protocol::Channel> channel_;
  PlaceholderStreams streams_;
  protocol::StageReady ready_;
  Trace trace_;
  std::string collecting_;
  PlaceholderStreams::Printed printed_;
  std::string failure_;
  bool plain_fails_too_ = false;
  std::optional<protocol::PreloadRejected> preload_rejected_;
  ImportHistory::Plan plan_;
  protocol::ProcessSpec built_for_;
  int wait_status_ = 0;
  std::map<std::uint64_t, Request> requests_;
  std::uint64_t next_request_ = 1;
  std::uint64_t served_ = 0;
  std::set<Arguments> served_args_;
  int holders_ = 0;
  bool retire_wanted_ = false;
  bool parent_was_lost_ = false;
  bool changed_files_ = false;
  bool is_built_ahead_ = false;
  bool is_told_to_end_ = false;
  bool has_paused_ = false;
  bool handed_over_ = false;  // it is a run's process; ends when the order is sent
  std::optional<protocol::StageReady> early_ready_;  // came before its pid was known
  Clock::time_point build_started_ = Clock::now();
  StageAge::Clock::time_point built_at_ = StageAge::Clock::now();
  Clock::time_point last_used_ = Clock::now();
  EventLoop::TimerId lost_timer_{};
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  // for callbacks that may come after the end
};

}  // namespace hearth::daemon
