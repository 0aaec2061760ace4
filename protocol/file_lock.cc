#include "protocol/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hearth::protocol {

tl::expected<FileLock, std::error_code> FileLock::acquire(const std::filesystem::path& path,
                                                          Held held) {
  const int operation = LOCK_EX | (held == Held::wait ? 0 : LOCK_NB);
  for (;;) {
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return tl::unexpected(std::error_code(errno, std::generic_category()));
    int result;
    do {
      result = ::flock(file.get(), operation);
    } while (result != 0 && errno == EINTR);
    if (result != 0) return tl::unexpected(std::error_code(errno, std::generic_category()));
    FileLock lock(path, std::move(file));
    if (lock.is_current()) return lock;
  }
}

bool FileLock::is_current() const {
  struct stat ours {};
  struct stat there {};
  return ::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
         ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

void FileLock::remove_file() {
  if (is_current()) ::unlink(path_.c_str());
}

}  // namespace hearth::protocol
