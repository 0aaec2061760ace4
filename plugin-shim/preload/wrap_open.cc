// Files that are opened. `mode` is read only where the call has one, as libc does.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdarg>
#include <cstdio>

#include "plugin-shim/preload/looks.h"
#include "plugin-shim/preload/next.h"

using hearth::recorder::flags_of;
using hearth::recorder::Opening;

// Called instead of open by programs that were built with checks (_FORTIFY_SOURCE).
// The names are libc's. NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int directory, const char* path, int flags);
int __openat64_2(int directory, const char* path, int flags);
}

namespace {

constexpr bool has_mode(int flags) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

}  // namespace

// clang-analyzer takes the list for uninitialised, after va_start.
// NOLINTBEGIN(clang-analyzer-valist.Uninitialized)
#define HEARTH_TAKE_MODE()            \
  mode_t mode = 0;                    \
  if (has_mode(flags)) {              \
    va_list arguments;                \
    va_start(arguments, flags);       \
    mode = va_arg(arguments, mode_t); \
    va_end(arguments);                \
  }

HEARTH_WRAPPER int open(const char* path, int flags, ...) {
  HEARTH_NEXT(open);
  HEARTH_TAKE_MODE();
  const Opening opening(AT_FDCWD, path, flags, mode);
  return opening.done(next(path, flags, mode));
}

HEARTH_WRAPPER int open64(const char* path, int flags, ...) {
  HEARTH_NEXT(open64);
  HEARTH_TAKE_MODE();
  const Opening opening(AT_FDCWD, path, flags, mode);
  return opening.done(next(path, flags, mode));
}

HEARTH_WRAPPER int openat(int directory, const char* path, int flags, ...) {
  HEARTH_NEXT(openat);
  HEARTH_TAKE_MODE();
  const Opening opening(directory, path, flags, mode);
  return opening.done(next(directory, path, flags, mode));
}

HEARTH_WRAPPER int openat64(int directory, const char* path, int flags, ...) {
  HEARTH_NEXT(openat64);
  HEARTH_TAKE_MODE();
  const Opening opening(directory, path, flags, mode);
  return opening.done(next(directory, path, flags, mode));
}

HEARTH_WRAPPER int __open_2(const char* path, int flags) {
  HEARTH_NEXT(__open_2);
  const Opening opening(AT_FDCWD, path, flags, 0);
  return opening.done(next(path, flags));
}

HEARTH_WRAPPER int __open64_2(const char* path, int flags) {
  HEARTH_NEXT(__open64_2);
  const Opening opening(AT_FDCWD, path, flags, 0);
  return opening.done(next(path, flags));
}

HEARTH_WRAPPER int __openat_2(int directory, const char* path, int flags) {
  HEARTH_NEXT(__openat_2);
  const Opening opening(directory, path, flags, 0);
  return opening.done(next(directory, path, flags));
}

HEARTH_WRAPPER int __openat64_2(int directory, const char* path, int flags) {
  HEARTH_NEXT(__openat64_2);
  const Opening opening(directory, path, flags, 0);
  return opening.done(next(directory, path, flags));
}

HEARTH_WRAPPER int creat(const char* path, mode_t mode) {
  HEARTH_NEXT(creat);
  const Opening opening(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
  return opening.done(next(path, mode));
}

HEARTH_WRAPPER int creat64(const char* path, mode_t mode) {
  HEARTH_NEXT(creat64);
  const Opening opening(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
  return opening.done(next(path, mode));
}

HEARTH_WRAPPER FILE* fopen(const char* path, const char* mode) {
  HEARTH_NEXT(fopen);
  const Opening opening(AT_FDCWD, path, flags_of(mode), 0666);
  return opening.done(next(path, mode));
}

HEARTH_WRAPPER FILE* fopen64(const char* path, const char* mode) {
  HEARTH_NEXT(fopen64);
  const Opening opening(AT_FDCWD, path, flags_of(mode), 0666);
  return opening.done(next(path, mode));
}

HEARTH_WRAPPER FILE* freopen(const char* path, const char* mode, FILE* stream) {
  HEARTH_NEXT(freopen);
  const Opening opening(AT_FDCWD, path, flags_of(mode), 0666);
  return opening.done(next(path, mode, stream));
}

HEARTH_WRAPPER FILE* freopen64(const char* path, const char* mode, FILE* stream) {
  HEARTH_NEXT(freopen64);
  const Opening opening(AT_FDCWD, path, flags_of(mode), 0666);
  return opening.done(next(path, mode, stream));
}
// NOLINTEND(clang-analyzer-valist.Uninitialized)
// NOLINTEND(bugprone-reserved-identifier)
