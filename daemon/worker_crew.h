// The workers of one distributed run: how they come to be, and who they are.
//
// A worker is a fork of a zygote that the crew holds, or, where none can serve (it read another
// worker's identity, it was killed), of one that the pool is asked for, and that is held as well:
// whoever succeeds the worker begins where it began, whatever the run itself has written since. A
// stage that serves only once is the first worker itself, and is up before anybody asks for it.
//
// Nobody hears that a worker is up while others are still being configured, as with pytest-xdist: a
// plugin that clears up at its start (pytest-cov) would clear away what a worker has left that was
// through by then.
//
// A worker that succeeds another one, which has had its share, has its name (so what a project
// keeps by worker, as a database, stays one), and a base temporary directory of its own.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/services.h"
#include "daemon/worker.h"
#include "daemon/zygote_pool.h"

namespace hearth::daemon {

class WorkerCrew {
 public:
  // Of a worker that was asked for, one of these comes, later than start(): worker_started (and
  // some time after, Worker::Listener's worker_exited), or worker_not_started, or worker_refused,
  // or, after stop(), worker_not_needed.
  struct Refusal {
    std::string message;
    std::string printed;    // by a pytest that ended
    std::string collected;  // by one that is not like the others: see stage_ready
  };

  struct Listener : Worker::Listener {
    virtual void worker_started(Worker& worker) = 0;
    virtual void worker_not_started(scheduler::WorkerId id, std::string message) = 0;
    // Its pytest ended by itself before it was a worker, or it is not like the others. Another one
    // would do no better.
    virtual void worker_refused(scheduler::WorkerId id, Refusal refusal) = 0;
    virtual void worker_not_needed(scheduler::WorkerId id) = 0;
    // It comes up when configure() has said what it is told.
    virtual void worker_unconfigured(scheduler::WorkerId id) = 0;
  };

  // `worker_stderr`: where workers write standard error, unless the listener wants to have what
  // they write (`shows_output`). `wants_trace`: whether they are to tell what they look at.
  WorkerCrew(Services services, protocol::ProcessSpec spec, protocol::Distribution wish,
             protocol::Fd worker_stderr, bool shows_output, bool wants_trace, Listener& listener);
  ~WorkerCrew();
  WorkerCrew(const WorkerCrew&) = delete;
  WorkerCrew& operator=(const WorkerCrew&) = delete;

  std::uint32_t wished_size() const;  // PYTEST_XDIST_WORKER_COUNT
  protocol::WorkerIdentity identity(scheduler::WorkerId id) const;
  ProcessRequest request(scheduler::WorkerId id) const;

  // What the controller's plugins tell workers, before they can be started if it wishes so.
  void configure(protocol::WorkersConfigured configured);

  // The zygote that collected first; every other worker must have collected the same.
  void adopt(const ZygotePool::Lease& lease);
  const std::vector<std::string>& items() const { return items_; }
  const std::vector<std::string>& groups() const { return groups_; }  // of stage_ready

  // Who this worker is, before it is started.
  void name(scheduler::WorkerId id, std::optional<scheduler::WorkerId> succeeds);

  // The stage that is being built for one of them; none: for none.
  std::optional<protocol::Stage> awaited_stage() const;

  void start(scheduler::WorkerId id);
  void stop(scheduler::WorkerId id);     // asks it to end; does not wait for one that is not up
  void signal(int number);               // to all that are up
  std::vector<pid_t> processes() const;  // of all that are up
  void kill();                           // all, also those that are yet to come up
  void dismiss();                        // nothing more is asked of it

  Worker* find(scheduler::WorkerId id);
  Worker* find(const std::string& name);
  std::unique_ptr<Worker> take(scheduler::WorkerId id);  // one that has exited
  void read_data();

 private:
  struct Place {
    std::uint32_t number = 0;      // gw0, …
    std::uint32_t generation = 0;  // how many had it before
  };
  Place place_of(scheduler::WorkerId id) const;
  std::string basetemp_of(scheduler::WorkerId id) const;
  void hold(Zygote& zygote);
  Zygote* held_for(scheduler::WorkerId id) const;  // none of them can serve it: null
  void ask_to_configure(scheduler::WorkerId id);
  void acquire(scheduler::WorkerId id);
  void acquired(scheduler::WorkerId id, ZygotePool::Result result);
  void start_from(Zygote& zygote, bool fork, scheduler::WorkerId id);
  void forked(scheduler::WorkerId id, pid_t pid);
  void announce(scheduler::WorkerId id);
  void announce_all();

  Services services_;
  protocol::ProcessSpec spec_;
  protocol::Distribution wish_;
  protocol::Fd worker_stderr_;
  bool shows_output_;
  bool wants_trace_;
  Listener& listener_;

  std::vector<Zygote*> zygotes_;  // held while the run lasts
  std::vector<std::string> items_;
  std::vector<std::string> groups_;
  std::map<scheduler::WorkerId, Place> places_;
  std::uint32_t next_place_ = 0;
  std::map<scheduler::WorkerId, std::unique_ptr<Worker>> workers_;
  std::map<scheduler::WorkerId, ZygotePool::WaitId> waits_;
  std::map<std::string, std::vector<protocol::WorkerValue>> inputs_;  // by the worker's name
  std::set<scheduler::WorkerId> unconfigured_;                        // they are to be started
  std::set<scheduler::WorkerId> unannounced_;                         // they are up
  int lost_forks_ = 0;
  bool is_killed_ = false;
  bool is_dismissed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::daemon
