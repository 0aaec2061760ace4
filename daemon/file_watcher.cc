#include "daemon/file_watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <set>
#include <utility>

#include "daemon/log.h"
#include "protocol/signature.h"

namespace hearth::daemon {
namespace {

// A change is passed on when nothing more has happened for the first time, and after the second at
// the latest.
constexpr auto rest = std::chrono::milliseconds(50);
constexpr auto longest_delay = std::chrono::milliseconds(1000);

constexpr std::size_t max_watches = 16'384;
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR;

}  // namespace

FileWatcher::FileWatcher(EventLoop& loop, Callback on_change)
    : loop_(loop),
      on_change_(std::move(on_change)),
      inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (inotify_) {
    loop_.watch(inotify_.get(), POLLIN, [this](short) { read_events(); });
  } else {
    log("watcher").warn("no_inotify error={}", std::strerror(errno));
  }
}

FileWatcher::~FileWatcher() {
  if (inotify_) loop_.unwatch(inotify_.get());
  loop_.cancel(timer_);
}

void FileWatcher::watch(const std::vector<std::string>& directories) {
  if (!inotify_) return;
  for (const auto& directory : directories) {
    if (watches_.contains(directory)) continue;
    const bool is_full = watches_.size() >= max_watches;
    const int watch = is_full ? -1 : inotify_add_watch(inotify_.get(), directory.c_str(), changes);
    if (watch >= 0) {
      watches_.emplace(directory, watch);
    } else if ((is_full || errno == ENOSPC) && !std::exchange(limit_was_logged_, true)) {
      log("watcher").warn("watch_limit_reached watches={} directory={}", watches_.size(),
                          directory);
    }
  }
}

void FileWatcher::keep_only(const std::vector<std::string>& directories) {
  const std::set<std::string> kept(directories.begin(), directories.end());
  std::erase_if(watches_, [&](const auto& entry) {
    if (kept.contains(entry.first)) return false;
    inotify_rm_watch(inotify_.get(), entry.second);
    return true;
  });
}

void FileWatcher::read_events() {
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  bool is_change = false;
  for (;;) {
    const ssize_t got = read(inotify_.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & IN_IGNORED) != 0) {
        // The directory is gone; another one in its place would need a new watch.
        std::erase_if(watches_,
                      [gone = event.wd](const auto& entry) { return entry.second == gone; });
      } else if (!protocol::is_run_product(name)) {
        is_change = true;  // an overflow too
      }
    }
  }
  if (!is_change) return;
  const auto now = Clock::now();
  if (!std::exchange(announced_, true)) first_change_ = now;
  loop_.cancel(timer_);
  timer_ = loop_.at(std::min(now + rest, first_change_ + longest_delay), [this] {
    announced_ = false;
    on_change_();
  });
}

}  // namespace hearth::daemon
