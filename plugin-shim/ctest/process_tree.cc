#include "plugin-shim/ctest/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/fd.h"

namespace hearth::ctest {
namespace {

// Zero: it is gone.
pid_t parent_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const protocol::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return 0;
  std::string text(512, '\0');
  const ssize_t size = read(file.get(), text.data(), text.size());
  if (size <= 0) return 0;
  text.resize(static_cast<std::size_t>(size));
  // The name may contain anything, also parentheses; after the last one come the state and the
  // parent.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= text.size()) return 0;
  return static_cast<pid_t>(std::atoi(text.c_str() + name_end + 4));
}

std::unordered_map<pid_t, std::vector<pid_t>> children_by_parent() {
  std::unordered_map<pid_t, std::vector<pid_t>> children;
  DIR* const directory = opendir("/proc");
  if (directory == nullptr) return children;
  while (const dirent* entry = readdir(directory)) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) == 0) continue;
    const auto pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (const pid_t parent = parent_of(pid); parent > 0) children[parent].push_back(pid);
  }
  closedir(directory);
  return children;
}

}  // namespace

void kill_tree(pid_t root) {
  kill(root, SIGSTOP);
  std::vector<pid_t> tree{root};
  const auto children = children_by_parent();
  for (std::size_t next = 0; next < tree.size(); ++next) {
    const auto found = children.find(tree[next]);
    if (found == children.end()) continue;
    for (const pid_t child : found->second) {
      kill(child, SIGSTOP);
      tree.push_back(child);
    }
  }
  for (const pid_t pid : tree) kill(pid, SIGKILL);
}

}  // namespace hearth::ctest
