#include "daemon/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace hearth::daemon {

void remove_unheld(const std::filesystem::path& path) {
  const protocol::Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file && flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
}

tl::expected<Lock, std::string> Lock::acquire(const std::filesystem::path& path) {
  for (;;) {
    protocol::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return tl::unexpected("cannot open " + path.string() + ": " + std::strerror(errno));
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      return tl::unexpected("another hearthd serves " + path.parent_path().string() +
                            " already; see `hearth status`");
    }
    // The one that held it may have removed the file between our open and our lock.
    struct stat ours {};
    struct stat there {};
    if (fstat(file.get(), &ours) == 0 && stat(path.c_str(), &there) == 0 &&
        ours.st_ino == there.st_ino && ours.st_dev == there.st_dev) {
      const auto text = std::to_string(getpid()) + "\n";
      if (ftruncate(file.get(), 0) == 0 && write(file.get(), text.data(), text.size()) < 0) {
        return tl::unexpected("cannot write " + path.string() + ": " + std::strerror(errno));
      }
      return Lock(path, std::move(file));
    }
  }
}

void Lock::release() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  file_.reset();
}

}  // namespace hearth::daemon
