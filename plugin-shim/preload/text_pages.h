// What a fork finds mapped of the program's code.
//
// Linux gives a fork page tables for memory that its parent has written to, and leaves those of
// mapped files to page faults (mm/memory.c, vma_needs_copy): dozens for each short test. A mapping
// that has one page of its own counts as written to, as a whole. So the zygote writes one byte of
// each executable segment as it is, past its protection as a debugger would (/proc/self/mem).
//
// To hand on a page takes time as well, and six of seven pages are not used by any command: a page
// fault maps sixteen (do_fault_around). So it is seen which ones the first commands use, and only
// those are handed on from then on. They are told from their neighbours by userfaultfd, in whose
// ranges each page is mapped by itself (uffd_disable_fault_around); it is asked for asynchronous
// write protection (Linux 6.7), which nothing in these ranges ever meets. The zygote looks at
// their page maps while they run; in them nothing is left for that but the ranges, no descriptor,
// no memory and no code.
//
// Where any of this is not allowed, forks inherit more, or take their faults.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "protocol/fd.h"

namespace hearth::zygote {

class TextPages {
 public:
  using Clock = std::chrono::steady_clock;

  // Before the first fork.
  void hand_on();

  // Whether the next fork is to be observed.
  bool is_observing() const;
  // When to look next; none while no command is young enough.
  std::optional<Clock::time_point> next_look() const;
  void look();
  void begun(pid_t fork);
  void ended(pid_t fork);

  // In a fork.
  void close_descriptors();
  void be_observed();

 private:
  struct Range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
  };

  struct Observed {
    protocol::Fd page_map;
    protocol::Fd watch;  // its userfaultfd, which it has not itself
    Clock::time_point until;
  };

  protocol::Fd watch() const;
  bool drop_all() const;
  std::size_t pages() const;
  void take_watches();
  void learn();

  std::vector<Range> ranges_;  // with nothing in them but the file's own pages
  bool is_observing_ = false;
  std::vector<bool> used_;  // of all pages, in the ranges' order
  protocol::Fd watch_;      // the zygote's userfaultfd
  protocol::Fd keeper_;     // a socket where those of the observed forks come in
  protocol::Fd sender_;     // its other end
  std::map<pid_t, Observed> observed_;
  int ended_ = 0;  // of those that were observed
  Clock::time_point looked_at_;
};

}  // namespace hearth::zygote
