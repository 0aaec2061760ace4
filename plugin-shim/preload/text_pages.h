// What a fork finds mapped of the program's code.
//
// Linux gives a fork page tables for memory that its parent has written to, and leaves those of
// mapped files to page faults (mm/memory.c, vma_needs_copy): dozens for each short test. A mapping
// that has one page of its own counts as written to, as a whole. So the zygote writes one byte of
// each executable segment as it is, past its protection as a debugger would (/proc/self/mem).
//
// To hand on a page takes time as well, and six of seven pages are not used by any command: a page
// fault maps sixteen (do_fault_around). So it is seen which ones the first command has used that
// ends by exit(), and only those are handed on from then on. They are told from their neighbours
// by userfaultfd, in whose ranges each page is mapped by itself (uffd_disable_fault_around); it is
// asked for asynchronous write protection (Linux 6.7), which nothing in these ranges ever meets.
// The observed command has neither a descriptor nor memory of its own for that, but a mapping.
//
// Where any of this is not allowed, forks inherit more, or take their faults.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "protocol/fd.h"

namespace hearth::zygote {

class TextPages {
 public:
  // From a constructor of this library: its handler runs after all others of exit().
  static void be_last_at_exit();

  // In the zygote, before its first fork.
  void hand_on();
  // Whether the next fork is to be observed.
  bool wants_observed() const { return used_ != nullptr && observed_ == 0; }
  void observes(pid_t fork) { observed_ = fork; }
  void ended(pid_t fork);

  // In a fork.
  void close_descriptors();
  void observe_this();

 private:
  struct Range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
  };

  static void tell();
  protocol::Fd watch() const;
  bool drop_all() const;
  void forget();
  std::size_t pages() const;

  std::vector<Range> ranges_;      // with nothing in them but the file's own pages
  protocol::Fd watch_;             // the zygote's userfaultfd
  protocol::Fd keeper_;            // a socket where that of the observed fork is kept
  protocol::Fd sender_;            // its other end
  unsigned char* used_ = nullptr;  // shared: whether it was told, then one byte for each page
  pid_t observed_ = 0;
  int untold_ = 0;  // how many were observed in vain
};

}  // namespace hearth::zygote
