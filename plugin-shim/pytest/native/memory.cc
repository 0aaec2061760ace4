// What a process that pauses need not keep, so that many can stay warm.
#include <malloc.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <memory>

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

// One mapping of /proc/self/smaps, see proc_pid_smaps(5).
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  bool is_file_as_it_is = false;  // private, never writable, and no page is the process's own

  void release() const {
    if (!is_file_as_it_is) return;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
};

// The program's and its libraries' code: it stays in the page cache, from where it comes back with
// the next use. A fork starts without it anyway.
void release_file_pages() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/smaps", "re"),
                                                   &std::fclose);
  if (file == nullptr) return;
  Mapping mapping;
  char line[4096 + 256];
  while (std::fgets(line, sizeof line, file.get()) != nullptr) {
    Mapping next;
    char mode[5] = "";
    unsigned long inode = 0;
    unsigned long kilobytes = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %lu", &next.begin, &next.end, mode,
                    &inode) == 4) {
      mapping.release();
      mapping = next;
      mapping.is_file_as_it_is = inode != 0 && mode[1] == '-' && mode[3] == 'p';
    } else if ((std::sscanf(line, "Anonymous: %lu", &kilobytes) == 1 ||
                std::sscanf(line, "Swap: %lu", &kilobytes) == 1) &&
               kilobytes != 0) {
      mapping.is_file_as_it_is = false;
    }
  }
  mapping.release();
}

PyObject* give_back_memory(PyObject*, PyObject*) {
  release_file_pages();
  // Pages that a fork would have to copy in order to use them are better made anew.
  malloc_trim(0);
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef memory_methods[] = {
    {"give_back_memory", give_back_memory, METH_NOARGS,
     "give_back_memory(): to the system, what C's allocator has kept, and pages of files that are "
     "mapped and unchanged."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace hearth::python
