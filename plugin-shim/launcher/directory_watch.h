// Names that come, go or are written in directories, as the kernel tells it (inotify).
//
// A directory that appears in a watched tree is watched as well, and what it holds has appeared
// with it. What cannot be watched (the system's limit, no such directory) is left out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "protocol/fd.h"

namespace hearth::launcher {

class DirectoryWatch {
 public:
  struct Changes {
    std::set<std::string> paths;
    bool is_any = false;  // a directory has gone or moved, or the kernel has lost count
  };

  DirectoryWatch();

  int fd() const { return inotify_.get(); }  // readable: there are changes

  void watch(const std::string& directory);
  // With all directories below it, but hidden ones, virtual environments, node_modules and links.
  void watch_tree(const std::string& directory);
  bool is_in_tree(const std::string& path) const;  // of which the directory is one of those

  Changes take();

 private:
  void add(const std::string& directory, bool is_tree);
  void add_below(const std::filesystem::path& directory, std::set<std::string>* found);

  protocol::Fd inotify_;
  // One directory may have several names, and has one descriptor.
  std::map<int, std::set<std::string>> names_;
  std::set<std::string> watched_;
  std::set<std::string> trees_;
};

}  // namespace hearth::launcher
