// Who changes files before main, beside those that he opens (which the recorder sees): each process
// would do so, and nobody does for a fork. Likewise what is no file, and stays when a process ends.
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "plugin-shim/preload/main_audit.h"
#include "plugin-shim/preload/next.h"

namespace {

void changes_files(const void* caller) {
  hearth::zygote::done_before_main("written", "before main it changes files", caller);
}

void makes_shared(const void* caller) {
  hearth::zygote::done_before_main("shared", "before main it makes what processes share", caller);
}

}  // namespace

HEARTH_WRAPPER int unlink(const char* path) noexcept {
  HEARTH_NEXT(unlink);
  changes_files(__builtin_return_address(0));
  return next(path);
}

HEARTH_WRAPPER int unlinkat(int directory, const char* path, int flags) noexcept {
  HEARTH_NEXT(unlinkat);
  changes_files(__builtin_return_address(0));
  return next(directory, path, flags);
}

HEARTH_WRAPPER int rmdir(const char* path) noexcept {
  HEARTH_NEXT(rmdir);
  changes_files(__builtin_return_address(0));
  return next(path);
}

HEARTH_WRAPPER int remove(const char* path) noexcept {
  HEARTH_NEXT(remove);
  changes_files(__builtin_return_address(0));
  return next(path);
}

HEARTH_WRAPPER int link(const char* from, const char* to) noexcept {
  HEARTH_NEXT(link);
  changes_files(__builtin_return_address(0));
  return next(from, to);
}

HEARTH_WRAPPER int linkat(int from_directory, const char* from, int to_directory, const char* to,
                          int flags) noexcept {
  HEARTH_NEXT(linkat);
  changes_files(__builtin_return_address(0));
  return next(from_directory, from, to_directory, to, flags);
}

HEARTH_WRAPPER int symlink(const char* target, const char* path) noexcept {
  HEARTH_NEXT(symlink);
  changes_files(__builtin_return_address(0));
  return next(target, path);
}

HEARTH_WRAPPER int symlinkat(const char* target, int directory, const char* path) noexcept {
  HEARTH_NEXT(symlinkat);
  changes_files(__builtin_return_address(0));
  return next(target, directory, path);
}

HEARTH_WRAPPER int truncate(const char* path, off_t size) noexcept {
  HEARTH_NEXT(truncate);
  changes_files(__builtin_return_address(0));
  return next(path, size);
}

HEARTH_WRAPPER int truncate64(const char* path, off64_t size) noexcept {
  HEARTH_NEXT(truncate64);
  changes_files(__builtin_return_address(0));
  return next(path, size);
}

HEARTH_WRAPPER int chmod(const char* path, mode_t mode) noexcept {
  HEARTH_NEXT(chmod);
  changes_files(__builtin_return_address(0));
  return next(path, mode);
}

HEARTH_WRAPPER int fchmodat(int directory, const char* path, mode_t mode, int flags) noexcept {
  HEARTH_NEXT(fchmodat);
  changes_files(__builtin_return_address(0));
  return next(directory, path, mode, flags);
}

HEARTH_WRAPPER int mkfifo(const char* path, mode_t mode) noexcept {
  HEARTH_NEXT(mkfifo);
  changes_files(__builtin_return_address(0));
  return next(path, mode);
}

HEARTH_WRAPPER char* mkdtemp(char* pattern) noexcept {
  HEARTH_NEXT(mkdtemp);
  changes_files(__builtin_return_address(0));
  return next(pattern);
}

HEARTH_WRAPPER int mkstemp(char* pattern) {
  HEARTH_NEXT(mkstemp);
  changes_files(__builtin_return_address(0));
  return next(pattern);
}

HEARTH_WRAPPER int mkstemp64(char* pattern) {
  HEARTH_NEXT(mkstemp64);
  changes_files(__builtin_return_address(0));
  return next(pattern);
}

HEARTH_WRAPPER FILE* tmpfile() {
  HEARTH_NEXT(tmpfile);
  changes_files(__builtin_return_address(0));
  return next();
}

HEARTH_WRAPPER FILE* tmpfile64() {
  HEARTH_NEXT(tmpfile64);
  changes_files(__builtin_return_address(0));
  return next();
}

HEARTH_WRAPPER int shm_open(const char* name, int flags, mode_t mode) {
  HEARTH_NEXT(shm_open);
  makes_shared(__builtin_return_address(0));
  return next(name, flags, mode);
}

HEARTH_WRAPPER int shmget(key_t key, std::size_t size, int flags) noexcept {
  HEARTH_NEXT(shmget);
  makes_shared(__builtin_return_address(0));
  return next(key, size, flags);
}

HEARTH_WRAPPER int semget(key_t key, int count, int flags) noexcept {
  HEARTH_NEXT(semget);
  makes_shared(__builtin_return_address(0));
  return next(key, count, flags);
}

HEARTH_WRAPPER int msgget(key_t key, int flags) noexcept {
  HEARTH_NEXT(msgget);
  makes_shared(__builtin_return_address(0));
  return next(key, flags);
}

HEARTH_WRAPPER sem_t* sem_open(const char* name, int flags, ...) noexcept {
  HEARTH_NEXT(sem_open);
  makes_shared(__builtin_return_address(0));
  if ((flags & O_CREAT) == 0) return next(name, flags);
  va_list arguments;
  va_start(arguments, flags);
  // It is begun above: NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized)
  const auto mode = va_arg(arguments, mode_t);
  const auto value = va_arg(arguments, unsigned);
  va_end(arguments);
  return next(name, flags, mode, value);
}
