// The daemon's log file, as `cat` and `tail -F` would show it.
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "plugin-shim/client/state_directory.h"
#include "plugin-shim/launcher/commands.h"
#include "protocol/fd.h"

namespace hearth::launcher {
namespace {

using protocol::Fd;

Fd open_log(const std::filesystem::path& file) {
  return Fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
}

// False: nobody reads what we print.
bool copy_rest(const Fd& log) {
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t size = read(log.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return true;
    if (!print({buffer.data(), static_cast<std::size_t>(size)})) return false;
  }
}

// Whether the name stands for another file now (the log rotates by renaming).
bool was_replaced(const Fd& log, const std::filesystem::path& file) {
  struct stat opened {};
  struct stat named {};
  if (fstat(log.get(), &opened) != 0 || stat(file.c_str(), &named) != 0) return false;
  return opened.st_ino != named.st_ino || opened.st_dev != named.st_dev;
}

}  // namespace

int logs(bool follow) {
  const std::filesystem::path file = client::log_file();
  // The watch is there before the first read, so that nothing falls between them.
  Fd changes(follow ? inotify_init1(IN_CLOEXEC) : -1);
  if (follow && inotify_add_watch(changes.get(), file.parent_path().c_str(),
                                  IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
    return complain("there is no log to follow at " + file.string() + ": " + std::strerror(errno));
  }
  Fd log = open_log(file);
  if (!log)
    return complain("there is no log yet at " + file.string() + ": " + std::strerror(errno));
  if (!copy_rest(log)) return kTrouble;
  while (follow) {
    alignas(inotify_event) std::array<char, 4096> events{};
    if (read(changes.get(), events.data(), events.size()) < 0 && errno != EINTR) return kTrouble;
    if (!copy_rest(log)) return kTrouble;
    while (was_replaced(log, file)) {
      Fd next = open_log(file);
      if (!next) break;
      if (!copy_rest(log)) return kTrouble;  // its last lines
      log = std::move(next);
      if (!copy_rest(log)) return kTrouble;
    }
  }
  return 0;
}

}  // namespace hearth::launcher
