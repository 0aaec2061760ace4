#include "plugin-shim/launcher/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "protocol/signature.h"

namespace hearth::launcher {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                   IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// Somebody's home directory is not watched to its last corner.
constexpr std::size_t kMostInTrees = 4096;

bool is_of_a_project(const fs::path& directory) {
  const std::string name = directory.filename();
  if (name.starts_with('.') || name == "node_modules" || protocol::is_run_product(name))
    return false;
  std::error_code error;
  return !fs::exists(directory / "pyvenv.cfg", error);
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

DirectoryWatch::DirectoryWatch() : inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

void DirectoryWatch::add(const std::string& directory, bool is_tree) {
  if (is_tree) trees_.insert(directory);
  if (watched_.contains(directory)) return;
  const int watch = inotify_add_watch(inotify_.get(), directory.c_str(), kChanges);
  if (watch < 0) return;
  watched_.insert(directory);
  names_[watch].insert(directory);
}

void DirectoryWatch::watch(const std::string& directory) { add(directory, false); }

void DirectoryWatch::watch_tree(const std::string& directory) {
  add(directory, true);
  add_below(directory, nullptr);
}

bool DirectoryWatch::is_in_tree(const std::string& path) const {
  return trees_.contains(parent_of(path));
}

// The nearest first. `found`: gets the files.
void DirectoryWatch::add_below(const fs::path& directory, std::set<std::string>* found) {
  std::deque<fs::path> next{directory};
  while (!next.empty()) {
    std::error_code error;
    for (fs::directory_iterator entry(next.front(), error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code unknown;
      if (entry->is_directory(unknown) && !entry->is_symlink(unknown)) {
        if (!is_of_a_project(entry->path()) || trees_.size() >= kMostInTrees) continue;
        add(entry->path(), true);
        next.push_back(entry->path());
      } else if (found != nullptr) {
        found->insert(entry->path());
      }
    }
    next.pop_front();
  }
}

DirectoryWatch::Changes DirectoryWatch::take() {
  Changes changes;
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t got = read(inotify_.get(), buffer.data(), buffer.size());
    if (got <= 0) return changes;
    for (ssize_t at = 0; at < got;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      at += static_cast<ssize_t>(sizeof event + event.len);
      const bool is_directory = (event.mask & IN_ISDIR) != 0;
      const bool has_gone =
          (event.mask & (IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        changes.is_any = true;
        continue;
      }
      const auto names = names_.find(event.wd);
      if (names == names_.end()) continue;
      if ((event.mask & IN_IGNORED) != 0) {  // another one in its place needs a new watch
        for (const std::string& directory : names->second) watched_.erase(directory);
        names_.erase(names);
        changes.is_any = true;
        continue;
      }
      changes.is_any |= has_gone && (is_directory || event.len == 0);
      if (event.len == 0 || protocol::is_run_product(name)) continue;
      for (const std::string& directory : std::set<std::string>(names->second)) {
        const std::string path = directory + "/" + name;
        changes.paths.insert(path);
        if (is_directory && !has_gone && trees_.contains(directory) && is_of_a_project(path)) {
          add(path, true);
          add_below(path, &changes.paths);
        }
      }
    }
  }
}

}  // namespace hearth::launcher
