// What the daemon assumes of Linux, in one place: process supervision, anonymous files, terminals,
// /proc, cgroups.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "protocol/fd.h"

namespace hearth::daemon {

// Orphaned descendants become children of this process (PR_SET_CHILD_SUBREAPER).
void become_subreaper();

// Blocks the daemon's signals in this and all later threads and returns a signalfd for them.
// SIGPIPE is ignored.
protocol::Fd open_signals();

// A signal read from open_signals(), 0 when there is none now.
int read_signal(const protocol::Fd& signals);

struct ExitedChild {
  pid_t pid = 0;
  int wait_status = 0;
};
// Children that have exited and not been waited for yet; waits for them.
std::vector<ExitedChild> reap_children();

// All processes below this one (children of children included), by /proc.
std::vector<pid_t> descendants();

// Whether it is stopped, as by SIGSTOP.
bool is_stopped_process(pid_t pid);

// Whether its standard input is this terminal; false when `terminal` is none.
bool has_as_input(pid_t pid, const protocol::Fd& terminal);

// An anonymous file in memory, close-on-exec. It is a regular file: reading it gives end of file,
// not a wait.
tl::expected<protocol::Fd, std::string> anonymous_file(const char* name);
// All that was written to it so far.
std::string contents(const protocol::Fd& file);

// The last `most` bytes of a file that some process has open and that has no name (any more); empty
// where that descriptor is anything else.
std::string end_of_anonymous_file(pid_t process, int descriptor, std::size_t most);

// What a stream looks like to a program that asks: is it a terminal, of which size.
struct Terminal {
  bool is_terminal = false;
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  auto operator<=>(const Terminal&) const = default;
};
Terminal terminal_of(int fd);

// A pseudo-terminal of that size that passes output through unchanged: the daemon's side, the
// program's side.
tl::expected<std::pair<protocol::Fd, protocol::Fd>, std::string> pseudo_terminal(
    const Terminal& size);

// Whether two descriptors are the same file (so that what is written to them interleaves).
bool same_file(int a, int b);

// Cores that this process may use: affinity, limited by the cgroup's processor quota (rounded up).
// At least 1.
std::uint32_t usable_cores();

// Proportional set size in bytes, 0 when it cannot be read.
std::uint64_t pss_bytes(pid_t pid);

// The machine's memory in bytes, or the limit of this process's cgroup if that is less.
std::uint64_t machine_memory();

// Percentage of the last ten seconds in which some process waited for memory
// (/proc/pressure/memory); 0 where the kernel does not say.
double memory_pressure();

// "SIGSEGV", or "signal 42".
std::string signal_name(int signal);

// "exited with status 1", "was killed by SIGSEGV".
std::string describe_wait_status(int wait_status);

struct SpawnRequest {
  std::string program;                   // absolute path
  std::vector<std::string> arguments;    // argv[0] included
  std::vector<std::string> environment;  // NAME=value
  std::string directory;
  int control = -1;  // becomes descriptor 3
  int streams[3] = {-1, -1, -1};
  std::uint64_t umask = 022;
};
// Starts a program in a process group of its own, with default signal dispositions and an empty
// mask; descriptors other than those named are closed (they are close-on-exec). The daemon has
// threads: this is posix_spawn, no fork of its own.
tl::expected<pid_t, std::string> spawn(const SpawnRequest& request);

}  // namespace hearth::daemon
