// Directories that are listed or made, names that are changed.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "plugin-shim/preload/looks.h"
#include "plugin-shim/preload/next.h"

namespace recorder = hearth::recorder;

HEARTH_WRAPPER DIR* opendir(const char* path) {
  HEARTH_NEXT(opendir);
  recorder::listing(AT_FDCWD, path);
  return next(path);
}

HEARTH_WRAPPER DIR* fdopendir(int fd) {
  HEARTH_NEXT(fdopendir);
  recorder::listing(fd, ".");
  return next(fd);
}

HEARTH_WRAPPER int scandir(const char* path, dirent*** list, int (*filter)(const dirent*),
                           int (*compare)(const dirent**, const dirent**)) {
  HEARTH_NEXT(scandir);
  recorder::listing(AT_FDCWD, path);
  return next(path, list, filter, compare);
}

HEARTH_WRAPPER int scandir64(const char* path, dirent64*** list, int (*filter)(const dirent64*),
                             int (*compare)(const dirent64**, const dirent64**)) {
  HEARTH_NEXT(scandir64);
  recorder::listing(AT_FDCWD, path);
  return next(path, list, filter, compare);
}

HEARTH_WRAPPER int mkdir(const char* path, mode_t mode) noexcept {
  HEARTH_NEXT(mkdir);
  if (!recorder::is_private(mode)) recorder::looking(AT_FDCWD, path, 0);
  const int result = next(path, mode);
  if (result == 0) recorder::made(AT_FDCWD, path);
  return result;
}

HEARTH_WRAPPER int mkdirat(int directory, const char* path, mode_t mode) noexcept {
  HEARTH_NEXT(mkdirat);
  if (!recorder::is_private(mode)) recorder::looking(directory, path, 0);
  const int result = next(directory, path, mode);
  if (result == 0) recorder::made(directory, path);
  return result;
}

HEARTH_WRAPPER int rename(const char* from, const char* to) noexcept {
  HEARTH_NEXT(rename);
  const int result = next(from, to);
  if (result == 0) recorder::renamed(AT_FDCWD, to);
  return result;
}

HEARTH_WRAPPER int renameat(int from_directory, const char* from, int to_directory,
                            const char* to) noexcept {
  HEARTH_NEXT(renameat);
  const int result = next(from_directory, from, to_directory, to);
  if (result == 0) recorder::renamed(to_directory, to);
  return result;
}

HEARTH_WRAPPER int renameat2(int from_directory, const char* from, int to_directory, const char* to,
                             unsigned flags) noexcept {
  HEARTH_NEXT(renameat2);
  const int result = next(from_directory, from, to_directory, to, flags);
  if (result == 0) recorder::renamed(to_directory, to);
  return result;
}
