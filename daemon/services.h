// What every run needs of the daemon. All of it outlives every run.
#pragma once

#include <sys/types.h>

namespace hearth::daemon {

class Dispatcher;
class EventLoop;
class ProcessTable;
class ZygotePool;

struct Ancestry {
  virtual ~Ancestry() = default;
  // Whether an item or command of a run has started this client, and waits for it.
  virtual bool is_inside_a_run(pid_t client) const = 0;
};

struct Services {
  EventLoop& loop;
  ProcessTable& processes;
  ZygotePool& pool;
  Dispatcher& dispatcher;
  const Ancestry& ancestry;
  pid_t client = 0;  // of the run

  bool is_inside() const { return ancestry.is_inside_a_run(client); }
};

}  // namespace hearth::daemon
