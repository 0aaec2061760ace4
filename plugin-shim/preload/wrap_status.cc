// What is there, and where do links lead.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin-shim/preload/looks.h"
#include "plugin-shim/preload/next.h"

namespace recorder = hearth::recorder;

// Called by programs that were built for a libc before 2.33, or with checks. A libc without the
// former in its public interface takes them as what they mean.
// The names are libc's. NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
int __xstat(int version, const char* path, struct stat* result);
int __xstat64(int version, const char* path, struct stat64* result);
int __lxstat(int version, const char* path, struct stat* result);
int __lxstat64(int version, const char* path, struct stat64* result);
int __fxstatat(int version, int directory, const char* path, struct stat* result, int flags);
int __fxstatat64(int version, int directory, const char* path, struct stat64* result, int flags);
ssize_t __readlink_chk(const char* path, char* target, size_t size, size_t room);
ssize_t __readlinkat_chk(int directory, const char* path, char* target, size_t size, size_t room);
char* __realpath_chk(const char* path, char* result, size_t room);
}

HEARTH_WRAPPER int stat(const char* path, struct stat* result) noexcept {
  HEARTH_NEXT(stat);
  recorder::looking(AT_FDCWD, path, 0);
  // A libc before 2.33 has it in no shared library.
  return next != nullptr ? next(path, result) : fstatat(AT_FDCWD, path, result, 0);
}

HEARTH_WRAPPER int stat64(const char* path, struct stat64* result) noexcept {
  HEARTH_NEXT(stat64);
  recorder::looking(AT_FDCWD, path, 0);
  return next(path, result);
}

HEARTH_WRAPPER int lstat(const char* path, struct stat* result) noexcept {
  HEARTH_NEXT(lstat);
  recorder::looking(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  return next(path, result);
}

HEARTH_WRAPPER int lstat64(const char* path, struct stat64* result) noexcept {
  HEARTH_NEXT(lstat64);
  recorder::looking(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  return next(path, result);
}

HEARTH_WRAPPER int fstatat(int directory, const char* path, struct stat* result,
                           int flags) noexcept {
  HEARTH_NEXT(fstatat);
  recorder::looking(directory, path, flags);
  return next(directory, path, result, flags);
}

HEARTH_WRAPPER int fstatat64(int directory, const char* path, struct stat64* result,
                             int flags) noexcept {
  HEARTH_NEXT(fstatat64);
  recorder::looking(directory, path, flags);
  return next(directory, path, result, flags);
}

HEARTH_WRAPPER int statx(int directory, const char* path, int flags, unsigned mask,
                         struct statx* result) noexcept {
  HEARTH_NEXT(statx);
  recorder::looking(directory, path, flags);
  return next(directory, path, flags, mask, result);
}

HEARTH_WRAPPER int __xstat(int version, const char* path, struct stat* result) {
  HEARTH_NEXT(__xstat);
  if (next == nullptr) return stat(path, result);
  recorder::looking(AT_FDCWD, path, 0);
  return next(version, path, result);
}

HEARTH_WRAPPER int __xstat64(int version, const char* path, struct stat64* result) {
  HEARTH_NEXT(__xstat64);
  if (next == nullptr) return stat64(path, result);
  recorder::looking(AT_FDCWD, path, 0);
  return next(version, path, result);
}

HEARTH_WRAPPER int __lxstat(int version, const char* path, struct stat* result) {
  HEARTH_NEXT(__lxstat);
  if (next == nullptr) return lstat(path, result);
  recorder::looking(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  return next(version, path, result);
}

HEARTH_WRAPPER int __lxstat64(int version, const char* path, struct stat64* result) {
  HEARTH_NEXT(__lxstat64);
  if (next == nullptr) return lstat64(path, result);
  recorder::looking(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  return next(version, path, result);
}

HEARTH_WRAPPER int __fxstatat(int version, int directory, const char* path, struct stat* result,
                              int flags) {
  HEARTH_NEXT(__fxstatat);
  if (next == nullptr) return fstatat(directory, path, result, flags);
  recorder::looking(directory, path, flags);
  return next(version, directory, path, result, flags);
}

HEARTH_WRAPPER int __fxstatat64(int version, int directory, const char* path, struct stat64* result,
                                int flags) {
  HEARTH_NEXT(__fxstatat64);
  if (next == nullptr) return fstatat64(directory, path, result, flags);
  recorder::looking(directory, path, flags);
  return next(version, directory, path, result, flags);
}

HEARTH_WRAPPER int access(const char* path, int mode) noexcept {
  HEARTH_NEXT(access);
  recorder::looking(AT_FDCWD, path, 0);
  return next(path, mode);
}

HEARTH_WRAPPER int euidaccess(const char* path, int mode) noexcept {
  HEARTH_NEXT(euidaccess);
  recorder::looking(AT_FDCWD, path, 0);
  return next(path, mode);
}

HEARTH_WRAPPER int eaccess(const char* path, int mode) noexcept {
  HEARTH_NEXT(eaccess);
  recorder::looking(AT_FDCWD, path, 0);
  return next(path, mode);
}

HEARTH_WRAPPER int faccessat(int directory, const char* path, int mode, int flags) noexcept {
  HEARTH_NEXT(faccessat);
  recorder::looking(directory, path, flags);
  return next(directory, path, mode, flags);
}

HEARTH_WRAPPER ssize_t readlink(const char* path, char* target, size_t size) noexcept {
  HEARTH_NEXT(readlink);
  recorder::looking(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  return next(path, target, size);
}

HEARTH_WRAPPER ssize_t readlinkat(int directory, const char* path, char* target,
                                  size_t size) noexcept {
  HEARTH_NEXT(readlinkat);
  recorder::looking(directory, path, AT_SYMLINK_NOFOLLOW);
  return next(directory, path, target, size);
}

HEARTH_WRAPPER ssize_t __readlink_chk(const char* path, char* target, size_t size, size_t room) {
  HEARTH_NEXT(__readlink_chk);
  recorder::looking(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  return next(path, target, size, room);
}

HEARTH_WRAPPER ssize_t __readlinkat_chk(int directory, const char* path, char* target, size_t size,
                                        size_t room) {
  HEARTH_NEXT(__readlinkat_chk);
  recorder::looking(directory, path, AT_SYMLINK_NOFOLLOW);
  return next(directory, path, target, size, room);
}

HEARTH_WRAPPER char* realpath(const char* path, char* result) noexcept {
  HEARTH_NEXT(realpath);
  recorder::resolving(path);
  return next(path, result);
}

HEARTH_WRAPPER char* __realpath_chk(const char* path, char* result, size_t room) {
  HEARTH_NEXT(__realpath_chk);
  recorder::resolving(path);
  return next(path, result, room);
}

HEARTH_WRAPPER char* canonicalize_file_name(const char* path) noexcept {
  HEARTH_NEXT(canonicalize_file_name);
  recorder::resolving(path);
  return next(path);
}
// NOLINTEND(bugprone-reserved-identifier)
