// What every run needs of the daemon. All of it outlives every run.
#pragma once

namespace hearth::daemon {

class Dispatcher;
class EventLoop;
class ProcessTable;
class ZygotePool;

struct Services {
  EventLoop& loop;
  ProcessTable& processes;
  ZygotePool& pool;
  Dispatcher& dispatcher;
};

}  // namespace hearth::daemon
