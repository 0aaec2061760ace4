// All zygotes of the machine, and how a run gets a process from them.
//
// acquire() looks for the deepest zygote on the way to what is wanted whose key fits and whose
// trace holds, builds the stages that are missing, and answers with a lease. Several runs that want
// the same stage wait for one build.
//
// What serves once is handed over itself (Lease), at whatever stage, and built anew for whoever
// comes next. A worker, which has to reach `selected`, is built past such stages.
//
// A build that began before a run was submitted may have read what has changed since: its trace is
// looked at again. One that began afterwards has seen what a cold run would have seen.
//
// A zygote serves other arguments than its own, too, if they come to the same in all that it and
// those below it have read. What a list comes to is asked of the zygote that parsed the arguments,
// once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/explanations.h"
#include "daemon/import_history.h"
#include "daemon/stage_memory.h"
#include "daemon/zygote.h"

namespace hearth::daemon {

class ZygotePool : private Zygote::Listener {
 public:
  // Start the process at once with Zygote::start_process: with fork, or (a stage that the audit
  // refused, or that serves once) without.
  struct Lease {
    Zygote* zygote = nullptr;
    bool fork = true;
    bool distributed = false;  // the session is going to be a controller
  };
  // The process ended before its stage, by itself: what it printed and its status are the run's.
  struct Ended {
    int wait_status = 0;
    PlaceholderStreams::Printed printed;
    std::string collecting;  // a worker: the node id of the file that it was about to collect
  };
  // hearth's own trouble, one line.
  struct Failed {
    std::string message;
    bool plain_fails_too = false;  // so would pytest without hearth
  };
  using Result = std::variant<Lease, Ended, Failed>;
  using Callback = std::function<void(Result)>;
  enum class WaitId : std::uint64_t {};

  // Told of what happens, from the loop.
  struct Observer {
    virtual ~Observer() = default;
    // To somebody who waited; it may be built ahead of the next time.
    virtual void leased(const ProcessRequest& request) = 0;
    // Likewise, and it serves nobody else.
    virtual void spent(const ProcessRequest& request) = 0;
    virtual void stage_built(const Zygote& zygote) = 0;  // ready or refused
    virtual void imports_observed(const Zygote& zygote,
                                  const protocol::ImportsObserved& imports) = 0;
    virtual void preload_rejected(const Zygote& zygote) = 0;
    virtual void wait_ended() = 0;  // somebody's, or a build for later
  };

  // `zygote_program`: the Python file that an interpreter runs. `limit`: zygotes kept, beyond it
  // the least recently used go. `verify`: false trusts every trace, for tests of the tests.
  // `fork_patience`: see Zygote.
  ZygotePool(EventLoop& loop, ProcessTable& processes, std::string zygote_program,
             std::size_t limit, bool verify = true, StageAge age = {},
             Clock::duration fork_patience = std::chrono::seconds(10));

  // A zygote paused as deep as processes of that kind are forked: `selected`, or `configured` when
  // the session turns out to be a controller, or `started` when items are named for the first time.
  // The callback is called once, from the loop, unless abandon() comes first.
  WaitId acquire(ProcessRequest request, Callback callback);
  void abandon(WaitId wait);  // a build that nobody else waits for is ended

  // The stage that is being built for it; none while it is asked for something, or has nothing to
  // wait for.
  std::optional<protocol::Stage> awaited_stage(WaitId wait) const;

  // Builds it for later, if it is not there; nobody waits. `plan`: of `preloaded`, what to import.
  void prepare(ProcessRequest request, protocol::Stage target, ImportHistory::Plan plan = {});
  // Whether the modules of the plan are imported already. A zygote of another plan is retired.
  bool has_preloaded(const ProcessRequest& request, const ImportHistory::Plan& plan);
  bool is_waited_for() const { return !waiters_.empty(); }
  // Those in which the traces of all zygotes have files.
  std::vector<std::string> directories() const;
  void observe(Observer* observer) { observer_ = observer; }

  // Retires the zygote that was used longest ago, of those that were last used before this time and
  // that none is forked from. False: there is none. `reason`: for people, see cause_kind::evicted.
  bool retire_least_recently_used(Clock::time_point used_before, std::string reason);
  // Of the zygotes that serve, proportional set size in bytes.
  std::uint64_t memory() const;

  // For the end of the daemon: all zygotes are killed, whoever waits is told so, nothing is built
  // any more.
  void kill_all();
  bool empty() const { return zygotes_.empty(); }

  std::vector<protocol::ZygoteStatus> status() const;
  std::uint64_t interpreters_started() const { return interpreters_started_; }
  Explanations& explanations() { return explanations_; }
  StageMemory& memory_of_stages() { return memory_; }

 private:
  struct Waiter {
    WaitId id{};
    ProcessRequest request;
    Callback callback;  // none: nobody waits, the stage is built for later
    protocol::Stage target{};
    ImportHistory::Plan plan;         // of the target `preloaded`
    bool preloaded_may_serve = true;  // until it has turned out to be of no use
    Clock::time_point submitted = Clock::now();
    Zygote* building = nullptr;
    Zygote* asked = nullptr;  // what the arguments come to
    int questions = 0;
    int builds = 0;
    bool skips_stages = false;                    // one on the way was of no use: on to the target
    std::vector<protocol::StageAccount> account;  // as it was when it came
  };

  void stage_reached(Zygote& zygote) override;
  void process_ended(Zygote& zygote) override;
  void released(Zygote& zygote) override;
  void arguments_tried(Zygote& zygote) override;
  void imports_observed(Zygote& zygote, const protocol::ImportsObserved& imports) override;

  void advance(Waiter& waiter);
  Waiter& add_waiter(ProcessRequest request, protocol::Stage target, Callback callback);
  void preload_rejected(const Zygote& zygote);
  Waiter* find(WaitId id);
  std::vector<WaitId> waiters_of(const Zygote& zygote) const;
  void advance_waiters_of(Zygote& zygote);
  Zygote* usable_zygote(const Waiter& waiter, protocol::Stage stage);
  bool is_worth_rebuilding(const Waiter& waiter, protocol::Stage stage);
  void retire_superseded();
  bool serves_arguments(Zygote& zygote, const Waiter& waiter);
  bool ask_about_arguments(Waiter& waiter);
  bool holds(Zygote& zygote, Clock::time_point since);
  void take_account(Waiter& waiter, const Zygote* served);
  bool is_taken(const Zygote& zygote, const Waiter& waiter) const;
  bool is_deep_enough(const Zygote& zygote, const Waiter& waiter) const;
  void build(Waiter& waiter, Zygote* from, protocol::Stage stage);
  void finish(Waiter& waiter, Result result);
  void tell_of(const Lease& lease, const ProcessRequest& request);
  void retire_with_descendants(Zygote& zygote, const protocol::Cause& cause);
  void retire(Zygote& zygote, protocol::Cause cause);
  void drop_ended();
  void enforce_limit();
  bool has_child(const Zygote& zygote) const;
  bool has_living_child(const Zygote& zygote) const;

  EventLoop& loop_;
  ProcessTable& processes_;
  std::string zygote_program_;
  std::size_t limit_;
  bool verify_;
  StageAge age_;
  Clock::duration fork_patience_;
  std::vector<std::unique_ptr<Zygote>> zygotes_;
  std::vector<std::unique_ptr<Waiter>> waiters_;
  StageMemory memory_;
  Explanations explanations_;
  Observer* observer_ = nullptr;
  std::uint64_t next_wait_ = 1;
  std::uint64_t interpreters_started_ = 0;
  bool ending_ = false;
};

}  // namespace hearth::daemon
