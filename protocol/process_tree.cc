#include "protocol/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace hearth::protocol {
namespace {

std::vector<std::pair<pid_t, pid_t>> processes_and_parents() {
  std::vector<std::pair<pid_t, pid_t>> all;
  DIR* directory = opendir("/proc");
  if (directory == nullptr) return all;
  while (const dirent* entry = readdir(directory)) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid > 0) all.emplace_back(pid, parent_of(pid));
  }
  closedir(directory);
  return all;
}

}  // namespace

pid_t parent_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  std::array<char, 512> text{};
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t size = read(fd, text.data(), text.size() - 1);
  close(fd);
  const char* after_name = size > 0 ? std::strrchr(text.data(), ')') : nullptr;
  int parent = 0;
  if (after_name == nullptr || std::sscanf(after_name + 1, " %*c %d", &parent) != 1) return 0;
  return parent;
}

void signal_tree(pid_t root, int signal) {
  std::vector<pid_t> tree{root};
  kill(root, SIGSTOP);
  // A process that is stopped starts no other: the tree is whole when a look finds nothing new.
  for (bool is_whole = false; !is_whole;) {
    is_whole = true;
    for (const auto& [pid, parent] : processes_and_parents()) {
      const bool is_below = std::find(tree.begin(), tree.end(), parent) != tree.end();
      if (!is_below || std::find(tree.begin(), tree.end(), pid) != tree.end()) continue;
      kill(pid, SIGSTOP);
      tree.push_back(pid);
      is_whole = false;
    }
  }
  for (const pid_t pid : tree) kill(pid, signal);
  if (signal == SIGKILL || signal == SIGSTOP) return;
  for (const pid_t pid : tree) kill(pid, SIGCONT);
}

}  // namespace hearth::protocol
