// What a fork in the daemon could not take over from this process (see process_context.h).
#include <fcntl.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <map>
#include <string_view>

#include "plugin-shim/client/process_context.h"
#include "protocol/fd.h"

namespace hearth::client {
namespace {

constexpr rlim_t fewest_descriptors = 64;  // a zygote has some of its own

std::string read_file(const std::string& path) {
  const protocol::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer{};
  while (file) {
    const auto count = read(file.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

// Of lines `name<separator>value`.
std::string_view value_of(std::string_view text, std::string_view name) {
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto line = text.substr(begin, end - begin);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':'))
      return line.substr(name.size() + 1);
    begin = end + 1;
  }
  return {};
}

constexpr std::array<std::string_view, 12> equal_in_status = {
    "Uid",    "Gid",    "Groups",     "CapInh",  "CapPrm",          "CapEff",
    "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Mems_allowed_list"};

std::string in_status(const std::string& ours, const std::string& theirs) {
  for (const auto name : equal_in_status) {
    if (value_of(ours, name) != value_of(theirs, name)) return std::string(name);
  }
  return {};
}

bool has_capability(const std::string& status, int number) {
  const std::string mask(value_of(status, "CapEff"));
  return (std::strtoull(mask.c_str(), nullptr, 16) >> number & 1) != 0;
}

std::string in_namespaces(const std::string& theirs) {
  const protocol::Fd our_names(open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const protocol::Fd their_names(open((theirs + "/ns").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto is_same = [](const struct stat& one, const struct stat& other) {
    return one.st_ino == other.st_ino && one.st_dev == other.st_dev;
  };
  struct stat ours {};
  struct stat other {};
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time",
                           "time_for_children", "user", "uts"}) {
    if (fstatat(our_names.get(), name, &ours, 0) != 0) continue;  // an older kernel
    if (fstatat(their_names.get(), name, &other, 0) != 0 || !is_same(ours, other))
      return std::string("namespace ") + name;
  }
  const bool has_same_root = stat("/", &ours) == 0 &&
                             stat((theirs + "/root/").c_str(), &other) == 0 && is_same(ours, other);
  return has_same_root ? "" : "root directory";
}

// A soft limit can be given up to the hard one; a hard one can only be lowered.
std::string in_limits(pid_t daemon, const std::string& status) {
  constexpr int cap_sys_resource = 24;
  const bool may_raise = has_capability(status, cap_sys_resource);
  for (int number = 0; number < RLIM_NLIMITS; ++number) {
    const auto resource = static_cast<__rlimit_resource_t>(number);
    rlimit ours{};
    rlimit theirs{};
    if (getrlimit(resource, &ours) != 0) continue;
    auto name = "limit " + std::to_string(number);
    if (prlimit(daemon, static_cast<__rlimit_resource>(number), nullptr, &theirs) != 0) return name;
    if (ours.rlim_max > theirs.rlim_max && !may_raise) return name;
    // The size of threads' stacks is fixed when a program starts; what stages print goes to files.
    const bool must_be_equal = resource == RLIMIT_STACK || resource == RLIMIT_FSIZE;
    if (must_be_equal && ours.rlim_cur != theirs.rlim_cur) return name;
    if (resource == RLIMIT_NOFILE && ours.rlim_cur < fewest_descriptors) return name;
  }
  return {};
}

std::string in_scheduling(pid_t daemon, const std::string& status) {
  constexpr int cap_sys_nice = 23;
  if (sched_getscheduler(0) != sched_getscheduler(daemon)) return "scheduling policy";
  const bool is_nicer_than_us =
      getpriority(PRIO_PROCESS, 0) < getpriority(PRIO_PROCESS, static_cast<id_t>(daemon));
  return is_nicer_than_us && !has_capability(status, cap_sys_nice) ? "nice" : "";
}

// ---- control groups: which group it is does not matter, what it is limited to does.

struct Limit {
  std::string_view controller;  // empty: of the unified hierarchy
  std::string_view directory;   // below /sys/fs/cgroup
  std::string_view file;
};
constexpr std::array<Limit, 9> group_limits = {{{"", "", "memory.max"},
                                                {"", "", "memory.high"},
                                                {"", "", "memory.swap.max"},
                                                {"", "", "pids.max"},
                                                {"", "", "cpu.max"},
                                                {"", "", "cpuset.cpus"},
                                                {"memory", "/memory", "memory.limit_in_bytes"},
                                                {"pids", "/pids", "pids.max"},
                                                {"cpu", "/cpu", "cpu.cfs_quota_us"}}};

// The group of each controller, from lines `number:controller,controller:path`.
std::map<std::string, std::string, std::less<>> groups_of(const std::string& text) {
  std::map<std::string, std::string, std::less<>> groups;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto first = text.find(':', begin);
    const auto second = text.find(':', first + 1);
    if (second >= end) break;
    for (auto name = first + 1; name <= second;) {
      const auto next = std::min(text.find(',', name), second);
      groups[text.substr(name, next - name)] = text.substr(second + 1, end - second - 1);
      name = next + 1;
    }
    begin = end + 1;
  }
  return groups;
}

// The contents of that file in the group and those above it.
std::string chain(const Limit& limit, std::string group) {
  std::string values;
  for (;;) {
    std::string value = read_file("/sys/fs/cgroup" + std::string(limit.directory) + group + "/" +
                                  std::string(limit.file));
    const bool is_none = value.starts_with("max") || value.starts_with("-1") || value == "\n" ||
                         std::strtoull(value.c_str(), nullptr, 10) >= 1ULL << 60;
    if (!is_none) values += value;
    if (group.size() <= 1) return values;
    group.resize(group.rfind('/'));
  }
}

std::string in_groups(const std::string& ours, const std::string& theirs) {
  if (ours == theirs) return {};
  const auto our_groups = groups_of(ours);
  const auto their_groups = groups_of(theirs);
  for (const auto& limit : group_limits) {
    const auto our = our_groups.find(limit.controller);
    const auto their = their_groups.find(limit.controller);
    if (our == our_groups.end() && their == their_groups.end()) continue;
    if (our == our_groups.end() || their == their_groups.end()) return "control groups";
    if (our->second != their->second && chain(limit, our->second) != chain(limit, their->second))
      return std::string(limit.file);
  }
  return {};
}

}  // namespace

std::string difference_from(pid_t daemon) {
  constexpr unsigned long query = 0xffffffff;
  struct sigaction children {};
  sigaction(SIGCHLD, nullptr, &children);
  if (children.sa_handler == SIG_IGN) return "SIGCHLD";  // a zygote waits for its forks
  if (personality(query) != 0) return "personality";

  const auto their_directory = "/proc/" + std::to_string(daemon);
  const auto status = read_file("/proc/self/status");
  auto difference = in_status(status, read_file(their_directory + "/status"));
  if (difference.empty()) difference = in_namespaces(their_directory);
  if (difference.empty()) difference = in_limits(daemon, status);
  if (difference.empty()) difference = in_scheduling(daemon, status);
  if (difference.empty())
    difference = in_groups(read_file("/proc/self/cgroup"), read_file(their_directory + "/cgroup"));
  return difference;
}

}  // namespace hearth::client
