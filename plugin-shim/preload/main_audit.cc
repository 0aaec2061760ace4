#include "plugin-shim/preload/main_audit.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "plugin-shim/preload/gate.h"
#include "plugin-shim/preload/identity.h"

namespace hearth::zygote {
namespace {

using recorder::Identity;
using recorder::Passage;

struct Done {
  std::string kind;
  std::string what;
  std::string by;  // the file of the library or program
};
// The first of each: who asks once asks often. Never destroyed, as the recorder's.
std::vector<Done>& all_done() {
  static auto* all = new std::vector<Done>;
  return *all;
}

// Runtimes of the compiler that tell the program nothing of it.
bool is_harmless(std::string_view library) {
  constexpr std::array<std::string_view, 5> runtimes = {"libasan.", "libtsan.", "liblsan.",
                                                        "libubsan.", "libgcov."};
  const auto name = library.substr(library.rfind('/') + 1);
  return std::any_of(runtimes.begin(), runtimes.end(),
                     [&](std::string_view runtime) { return name.starts_with(runtime); });
}

void on_identity(Identity identity, const void* caller) {
  switch (identity) {
    case Identity::process_id:
      return done_before_main("identity", "before main it asks for the process id", caller);
    case Identity::random_bytes:
      return done_before_main("identity", "before main it asks for random bytes", caller);
    case Identity::uuid:
      return done_before_main("identity", "before main it asks for a uuid", caller);
    case Identity::clock:
      return done_before_main("clock", "before main it asks for the clock", caller);
    case Identity::thread:
      return;  // those that are there are counted
  }
}

std::vector<std::string> lines(const char* path) {
  std::vector<std::string> all;
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return all;
  char* line = nullptr;
  std::size_t capacity = 0;
  while (getline(&line, &capacity, file) > 0) all.emplace_back(line);
  std::free(line);
  std::fclose(file);
  return all;
}

// One of the first three descriptors: what it is, and what is set for it.
struct Stream {
  dev_t device = 0;
  ino_t inode = 0;
  int status_flags = -1;
  int flags = -1;
  bool operator==(const Stream&) const = default;
};
using Streams = std::array<Stream, 3>;

Streams streams_now() {
  Streams streams;
  for (int fd = 0; fd < 3; ++fd) {
    struct stat status {};
    if (fstat(fd, &status) == 0)
      streams[static_cast<std::size_t>(fd)] = {status.st_dev, status.st_ino, fcntl(fd, F_GETFL),
                                               fcntl(fd, F_GETFD)};
  }
  return streams;
}

Streams streams_before;

// Lines of /proc/self/status on what may be called; it may not be all that a server of forks does.
std::vector<std::string> call_filters() {
  auto status = lines("/proc/self/status");
  std::erase_if(status, [](const auto& line) { return !line.starts_with("Seccomp"); });
  return status;
}

// Never destroyed.
std::vector<std::string>* filters_before = nullptr;

class Findings {
 public:
  void refuse(std::string kind, std::string what, std::string file = {}) {
    all_.push_back(
        {std::move(kind), std::move(what), std::move(file), 0, protocol::Consequence::refused});
  }
  std::vector<protocol::Finding> take() { return std::move(all_); }

 private:
  std::vector<protocol::Finding> all_;
};

std::vector<std::string> entries(const char* path) {
  std::vector<std::string> names;
  DIR* directory = opendir(path);
  if (directory == nullptr) return names;
  const std::string own = std::to_string(dirfd(directory));
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.' && entry->d_name != own) names.emplace_back(entry->d_name);
  }
  closedir(directory);
  return names;
}

void look_for_descriptors(int control, Findings& findings) {
  for (const auto& name : entries("/proc/self/fd")) {
    const int fd = std::atoi(name.c_str());
    if (fd <= STDERR_FILENO || fd == control) continue;
    std::array<char, 256> target{};
    const std::string link = "/proc/self/fd/" + name;
    [[maybe_unused]] const auto size = readlink(link.c_str(), target.data(), target.size() - 1);
    findings.refuse("descriptor",
                    "before main " + std::string(target.data()) + " was opened, and is open");
  }
}

// The commands have others in their place, as they would be at the program's start.
void look_at_streams(Findings& findings) {
  if (streams_now() != streams_before)
    findings.refuse("stream", "before main a standard stream was closed, redirected or set");
  if (isatty(STDIN_FILENO) == 0 && lseek(STDIN_FILENO, 0, SEEK_CUR) > 0)
    findings.refuse("stream", "before main it reads its standard input");
}

void look_for_timers(Findings& findings) {
  for (const auto which : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}) {
    itimerval timer{};
    if (getitimer(which, &timer) == 0 &&
        (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0))
      return findings.refuse("timer", "before main a timer was set");
  }
  if (!lines("/proc/self/timers").empty()) findings.refuse("timer", "before main a timer was made");
}

// Of each mapping a line `address permissions offset device inode path`, and among others one
// `VmFlags: rd wr …`.
void look_at_memory(Findings& findings) {
  std::string path;
  for (const auto& line : lines("/proc/self/smaps")) {
    if (line.starts_with("VmFlags:")) {
      const auto has = [&](const char* flag) { return line.find(flag) != std::string::npos; };
      if (has(" lo ")) return findings.refuse("memory", "before main memory was locked", path);
      if (has(" dc ") || has(" wf "))
        return findings.refuse("memory", "before main memory was kept from forks", path);
      continue;
    }
    const auto permissions = line.find(' ') + 1;
    if (line.find('-') >= permissions) continue;  // no mapping's first line
    path = line.substr(std::min(line.find('/'), line.size()));
    while (path.ends_with('\n')) path.pop_back();
    if (line.compare(permissions + 1, 1, "w") == 0 && line.compare(permissions + 3, 1, "s") == 0)
      return findings.refuse("memory", "before main memory was shared with other processes", path);
  }
}

// What a fork does not take over, or has for itself.
void look_at_relations(Findings& findings) {
  int reaps = 0;
  int signal = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &reaps);
  prctl(PR_GET_PDEATHSIG, &signal);
  if (reaps != 0 || signal != 0)
    findings.refuse("relation", "before main it asked for the ends of other processes");
}

}  // namespace

bool has_had_children() {
  siginfo_t child{};
  rusage used{};
  return waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 ||
         (getrusage(RUSAGE_CHILDREN, &used) == 0 && used.ru_maxrss > 0);
}

void watch_static_initialisers() {
  streams_before = streams_now();
  // So that it is seen when somebody reads; where nothing can be written it is no empty file.
  if (isatty(STDIN_FILENO) == 0) {
    [[maybe_unused]] const auto written = pwrite(STDIN_FILENO, "\n", 1, 0);
  }
  filters_before = new std::vector<std::string>(call_filters());
  recorder::listen_to_identities(on_identity);
}

void done_before_main(const char* kind, const char* what, const void* caller) {
  if (!recorder::is_open.load(std::memory_order_relaxed)) return;
  Dl_info info{};
  const bool is_known = dladdr(caller, &info) != 0 && info.dli_fname != nullptr;
  const std::string by = is_known ? info.dli_fname : "";
  if (is_harmless(by)) return;
  const Passage passage;
  if (!passage) return;
  const bool is_new = std::none_of(all_done().begin(), all_done().end(),
                                   [&](const Done& each) { return each.what == what; });
  if (is_new) all_done().push_back({kind, what, by});
}

std::vector<protocol::Finding> audit(int control) {
  Findings findings;
  const auto threads = entries("/proc/self/task").size();
  if (threads != 1)
    findings.refuse("thread", "at main it has " + std::to_string(threads) + " threads");
  for (const auto& each : all_done()) findings.refuse(each.kind, each.what, each.by);
  const Passage passage{Passage::AsOwner{}};
  if (const auto& entry = Passage::record().own_entry(); !entry.empty())
    findings.refuse("identity", "before main it reads " + entry);
  look_for_descriptors(control, findings);
  look_at_streams(findings);
  look_for_timers(findings);
  if (call_filters() != *filters_before)
    findings.refuse("filter", "before main it restricted its system calls");
  look_at_memory(findings);
  look_at_relations(findings);
  if (has_had_children()) findings.refuse("child", "before main it started a process");
  return findings.take();
}

}  // namespace hearth::zygote
