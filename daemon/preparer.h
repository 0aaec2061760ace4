// Builds what the next runs will want while no run is going on: the stages that a change made
// stale or a run has used up, for the runs used last, and the modules that are imported ahead
// (`preloaded`).
//
// It is the pool's observer and its client: what it builds is found by a run that comes later, and
// one that comes meanwhile joins the build. Nothing is built beside a run: an ordinary user cannot
// lower a process's priority for a while and raise it again, so idleness takes its place. Errors
// (a file that is half edited) stay quiet: a run would see them itself. Nothing deeper than
// `configured` is built: from pytest_configure on, plugins do what only a run may do (erase the
// last run's coverage, clear a cache, begin a report). Nor is what a rebuild itself would make
// stale again built for ever: each use of a stage allows for a number of rebuilds.
#pragma once

#include <deque>

#include "daemon/file_watcher.h"
#include "daemon/import_history.h"
#include "daemon/zygote_pool.h"

namespace hearth::daemon {

class Preparer : private ZygotePool::Observer {
 public:
  // `rebuilds`: after changes; false: only modules are imported ahead.
  Preparer(EventLoop& loop, ZygotePool& pool, ImportHistory history, bool rebuilds);
  ~Preparer() override;

  void run_began() { ++runs_; }
  void run_ended();
  const ImportHistory& history() const { return history_; }

 private:
  void leased(const ProcessRequest& request) override;
  void spent(const ProcessRequest& request) override;
  void stage_built(const Zygote& zygote) override;
  void imports_observed(const Zygote& zygote, const protocol::ImportsObserved& imports) override;
  void preload_rejected(const Zygote& zygote) override;
  void wait_ended() override { continue_when_idle(); }

  void files_changed();
  void want_last_used();
  void continue_when_idle();
  void prepare_next();
  bool is_idle() const { return runs_ == 0 && !pool_.is_waited_for(); }

  EventLoop& loop_;
  ZygotePool& pool_;
  ImportHistory history_;
  FileWatcher watcher_;
  bool rebuilds_;
  int runs_ = 0;
  struct Use {
    ProcessRequest request;
    int rebuilds = 0;  // since
  };
  std::deque<Use> last_used_;              // the last one first
  std::deque<ProcessRequest> to_rebuild_;  // the most wanted first
  std::deque<protocol::ProcessSpec> to_preload_;
  bool planned_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::daemon
