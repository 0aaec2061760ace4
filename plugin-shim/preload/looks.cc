#include "plugin-shim/preload/looks.h"

#include <sys/stat.h>

#include <cstring>
#include <string>

#include "plugin-shim/preload/gate.h"

namespace hearth::recorder {
namespace {

using protocol::Look;

// Calls the function with the record and the absolute path, when there is something to record.
template <class Function>
void record(int directory, const char* path, Function function) {
  const Passage passage;
  if (!passage || path == nullptr || path[0] == '\0') return;
  std::string name = absolute(directory, path);
  if (!name.empty()) function(Passage::record(), std::move(name));
}

}  // namespace

void listing(int directory, const char* path) {
  record(directory, path, [](Record& it, const std::string& name) { it.read(name); });
}

void looking(int directory, const char* path, Look look) {
  record(directory, path, [look](Record& it, const std::string& name) { it.look(name, look); });
}

void looking(int directory, const char* path, int at_flags) {
  looking(directory, path, (at_flags & AT_SYMLINK_NOFOLLOW) != 0 ? Look::link : Look::status);
}

void resolving(const char* path) {
  record(AT_FDCWD, path, [](Record& it, const std::string& name) {
    for (std::size_t at = name.find('/', 1); at != std::string::npos; at = name.find('/', at + 1))
      it.look(name.substr(0, at), Look::link);
    it.look(name, Look::link);
    it.look(name, Look::status);
  });
}

void renamed(int directory, const char* path) {
  record(directory, path, [](Record& it, std::string name) { it.wrote(std::move(name), false); });
}

void made(int directory, const char* path) { renamed(directory, path); }

void variable_read(const char* name) {
  const Passage passage;
  if (passage && name != nullptr) Passage::environment().reads.emplace(name);
}

void variable_written(const char* entry) {
  const Passage passage;
  if (passage && entry != nullptr)
    Passage::environment().writes.emplace(entry, std::strcspn(entry, "="));
}

void all_variables_written() {
  if (const Passage passage; passage) Passage::environment().writes.emplace();
}

Opening::Opening(int directory, const char* path, int flags, mode_t mode)
    : directory_(directory), path_(path) {
  record(directory, path, [&](Record& it, const std::string& name) {
    if ((flags & O_PATH) != 0)
      return it.look(name, (flags & O_NOFOLLOW) != 0 ? Look::link : Look::status);
    if ((flags & O_TMPFILE) == O_TMPFILE) return;
    // Also a directory, which is opened to be listed or to start from, or a device.
    if ((flags & (O_ACCMODE | O_CREAT)) == O_RDONLY) return it.read(name);
    struct stat status {};
    const bool exists = stat(name.c_str(), &status) == 0;
    if (exists && !S_ISREG(status.st_mode)) return it.look(name, Look::status);
    const int access = flags & O_ACCMODE;
    const bool creates = (flags & O_CREAT) != 0;
    const bool must_be_new = creates && (flags & O_EXCL) != 0;
    writes_ = access != O_RDONLY && (exists || creates) && !(exists && must_be_new);
    anew_ = writes_ && (flags & O_TRUNC) != 0;
    if (exists && must_be_new) return it.look(name, Look::status);
    if (anew_) return;
    if (!exists && creates) {
      // What had been there would have been read, or would have been an error.
      if (must_be_new ? !is_private(mode) : access != O_WRONLY) it.look(name, Look::status);
      return;
    }
    if (access == O_WRONLY && writes_) return;
    writes_ = false;  // it reads what it may write: an input
    it.read(name);
  });
}

int Opening::done(int fd) const {
  if (!writes_ || fd < 0) return fd;
  record(directory_, path_,
         [this](Record& it, std::string name) { it.wrote(std::move(name), anew_); });
  return fd;
}

int flags_of(const char* mode) {
  const bool both = std::strchr(mode, '+') != nullptr;
  const int exclusive = std::strchr(mode, 'x') != nullptr ? O_EXCL : 0;
  switch (mode[0]) {
    case 'w':
      return (both ? O_RDWR : O_WRONLY) | O_CREAT | O_TRUNC | exclusive;
    case 'a':
      return (both ? O_RDWR : O_WRONLY) | O_CREAT | O_APPEND | exclusive;
    default:
      return both ? O_RDWR : O_RDONLY;
  }
}

}  // namespace hearth::recorder
