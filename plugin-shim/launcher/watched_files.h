// What a watched run depends on, and what of it has been changed by somebody else than the run.
//
// A change counts if it is of
// - a file that the run or its stages read, and that is another one now, or that they asked for and
//   that has come or gone;
// - a Python source, or pytest's settings, that appeared or was saved below the watch's directory,
//   or appeared in a directory that the run listed; there, also a file of a kind that the run has
//   read in it.
//
// Byte code and pytest's cache never count. While a run is going on, most of what changes is its
// own doing, perhaps by child processes that nobody sees: of this only sources count that the run
// has not written itself, and not one that the run after it changes again.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "plugin-shim/launcher/directory_watch.h"
#include "protocol/messages.gen.h"

namespace hearth::launcher {

class WatchedFiles {
 public:
  explicit WatchedFiles(std::string directory);

  int fd() const { return watch_.fd(); }  // readable: ask for changes()

  // The run that looked at this has ended. Returns what was changed while it ran.
  std::vector<std::string> run_ended(std::vector<protocol::FileSignature> trace);

  // What has changed since the last call, or since the run's end. Sorted, each once.
  std::vector<std::string> changes();

 private:
  bool is_changed(const std::string& path);
  bool is_new_input(const std::string& path) const;
  void watch_all();

  std::string directory_;
  DirectoryWatch watch_;
  std::unordered_map<std::string, std::vector<protocol::FileSignature>> inputs_;
  std::unordered_map<std::string, std::unordered_set<std::string>> suffixes_read_;  // by directory
  std::unordered_set<std::string> listed_;
  std::set<std::string> suspects_;       // changed during the last run
  std::unordered_set<std::string> own_;  // which the run itself changes, each time
};

}  // namespace hearth::launcher
