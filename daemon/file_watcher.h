// Hints that something in a directory has changed (inotify). Only hints: one that is lost costs
// warmth, never truth, since every trace is verified before it is used.
//
// Everything happens on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/event_loop.h"
#include "protocol/fd.h"

namespace hearth::daemon {

class FileWatcher {
 public:
  // Called some time after a change, once for changes that come close together (an editor's, a
  // version control tool's).
  using Callback = std::function<void()>;

  FileWatcher(EventLoop& loop, Callback on_change);
  ~FileWatcher();
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  // Watches these directories as well. What cannot be watched (the system's limit, no such
  // directory) is left out.
  void watch(const std::vector<std::string>& directories);
  // Ends the watches of all others.
  void keep_only(const std::vector<std::string>& directories);

  std::size_t size() const { return watches_.size(); }

 private:
  void read_events();

  EventLoop& loop_;
  Callback on_change_;
  protocol::Fd inotify_;
  std::map<std::string, int> watches_;  // directory, watch descriptor
  bool limit_was_logged_ = false;
  bool announced_ = false;
  Clock::time_point first_change_{};
  EventLoop::TimerId timer_{};
};

}  // namespace hearth::daemon
