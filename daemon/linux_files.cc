// Anonymous files, terminals, processor quota, memory.
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "daemon/linux.h"

namespace hearth::daemon {
namespace {

std::string contents_from(const protocol::Fd& file, off_t start) {
  struct stat info {};
  if (fstat(file.get(), &info) != 0 || info.st_size <= start) return {};
  std::string text(static_cast<std::size_t>(info.st_size - start), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const auto count =
        pread(file.get(), text.data() + done, text.size() - done, start + static_cast<off_t>(done));
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  return text;
}

std::string failure(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

// The limit of one cgroup v2 directory in cores, infinity when there is none.
double cgroup_cores(const std::filesystem::path& directory) {
  std::ifstream file(directory / "cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return INFINITY;
  return std::strtod(quota.c_str(), nullptr) / period;
}

// Likewise in bytes.
double cgroup_bytes(const std::filesystem::path& directory) {
  std::ifstream file(directory / "memory.max");
  double bytes = 0;
  return file >> bytes ? bytes : INFINITY;
}

// The tightest limit on the way from the process's own cgroup (v2) to the root.
template <typename Limit>
double tightest(Limit limit_of) {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  double tightest = INFINITY;
  while (std::getline(file, line)) {
    if (line.rfind("0::/", 0) != 0) continue;
    const std::filesystem::path root = "/sys/fs/cgroup";
    for (std::filesystem::path group = line.substr(4);; group = group.parent_path()) {
      tightest = std::min(tightest, limit_of(root / group));
      if (group.empty() || group == group.parent_path()) break;
    }
  }
  return tightest;
}

}  // namespace

tl::expected<protocol::Fd, std::string> anonymous_file(const char* name) {
  protocol::Fd file(memfd_create(name, MFD_CLOEXEC));
  if (!file) return tl::unexpected(failure("memfd_create"));
  return file;
}

std::string end_of_anonymous_file(pid_t process, int descriptor, std::size_t most) {
  const auto path = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(descriptor);
  // A look before it is opened: what else it may be could keep us waiting.
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 0) return {};
  const protocol::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return {};
  return contents_from(file, std::max<off_t>(0, info.st_size - static_cast<off_t>(most)));
}

std::string contents(const protocol::Fd& file) { return contents_from(file, 0); }

Terminal terminal_of(int fd) {
  Terminal terminal;
  if (fd < 0 || !isatty(fd)) return terminal;
  terminal.is_terminal = true;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
    terminal.rows = size.ws_row;
    terminal.columns = size.ws_col;
  }
  return terminal;
}

tl::expected<std::pair<protocol::Fd, protocol::Fd>, std::string> pseudo_terminal(
    const Terminal& size) {
  protocol::Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!master || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0)
    return tl::unexpected(failure("posix_openpt"));
  char name[64];
  if (ptsname_r(master.get(), name, sizeof name) != 0) return tl::unexpected(failure("ptsname"));
  protocol::Fd slave(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) return tl::unexpected(failure(name));
  termios settings{};
  if (tcgetattr(slave.get(), &settings) == 0) {
    settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(slave.get(), TCSANOW, &settings);
  }
  winsize window{};
  window.ws_row = size.rows;
  window.ws_col = size.columns;
  ioctl(slave.get(), TIOCSWINSZ, &window);
  return std::pair{std::move(master), std::move(slave)};
}

bool same_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  if (fstat(a, &first) != 0 || fstat(b, &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino &&
         first.st_rdev == second.st_rdev;
}

std::uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  double cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    cores = CPU_COUNT(&set);
  } else if (const long online = sysconf(_SC_NPROCESSORS_ONLN); online > 0) {
    cores = static_cast<double>(online);  // more processors than a cpu_set_t holds
  }
  cores = std::min(cores, std::ceil(tightest(cgroup_cores)));
  return static_cast<std::uint32_t>(std::max(cores, 1.0));
}

std::uint64_t pss_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("Pss:", 0) != 0) continue;
    return std::strtoull(line.c_str() + 4, nullptr, 10) * 1024;
  }
  return 0;
}

std::uint64_t machine_memory() {
  const auto machine =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return static_cast<std::uint64_t>(std::min(machine, tightest(cgroup_bytes)));
}

double memory_pressure() {
  std::ifstream file("/proc/pressure/memory");
  std::string kind;
  std::string average;  // avg10=1.23
  if (!(file >> kind >> average) || kind != "some") return 0;
  return std::strtod(average.c_str() + average.find('=') + 1, nullptr);
}

}  // namespace hearth::daemon
