// hearthd: one for each user and machine. Clients start it; `hearth start` does nothing else.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "daemon/daemon.h"
#include "daemon/lock.h"
#include "daemon/log.h"
#include "daemon/version.h"

namespace {

using namespace hearth;
using namespace hearth::daemon;

constexpr int exit_code_trouble = 3;
// Longer than a daemon takes to end.
constexpr auto lock_patience = std::chrono::seconds(10);

// Tells whoever started the daemon, and the user when it runs in a terminal.
int report(int ready_fd, const std::string& line) {
  const auto text = line + "\n";
  if (ready_fd >= 0) {
    if (write(ready_fd, text.data(), text.size()) < 0) return exit_code_trouble;
    close(ready_fd);
  } else if (line != "ready") {
    std::fputs(("hearthd: " + text).c_str(), stderr);
  }
  return line == "ready" ? 0 : exit_code_trouble;
}

// A setting from the environment; empty when it is not there.
const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The same of a whole number.
std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const std::string_view text = variable(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

// `<prefix>/bin/hearthd` finds `<prefix>/lib/hearth/pytest_hearth`, wherever the prefix is.
std::string zygote_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path().parent_path() / "lib" / "hearth" / "pytest_hearth" / "zygote_main.py")
      .string();
}

// Otherwise a socket would take the place of a closed stream, and a library's message to standard
// error go there.
void open_standard_descriptors() {
  int fd = 0;
  do fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd < 3);
  if (fd >= 3) close(fd);
}

// Nothing of whoever started it stays in use: no terminal, no directory.
void leave_the_terminal() {
  if (chdir("/") != 0) return;
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (int stream = 0; stream < 3; ++stream) dup2(null, stream);
  if (null > 2) close(null);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The test daemon. Usually started by `hearth`; see `hearth --help`."};
  int ready_fd = -1;
  std::uint32_t slots = 0;
  app.set_version_flag("--version", std::string("hearthd ") + version);
  app.add_option("--ready-fd", ready_fd,
                 "Write `ready` or `error: …` to this descriptor, once, and close it");
  app.add_option("--slots", slots,
                 "Cores that test runs share (default: all that this process may use)");
  CLI11_PARSE(app, argc, argv);
  if (ready_fd >= 0) fcntl(ready_fd, F_SETFD, FD_CLOEXEC);

  open_standard_descriptors();
  umask(077);
  auto signals = open_signals();  // before any thread
  become_subreaper();
  auto endpoints = protocol::prepare_endpoints();
  if (!endpoints) return report(ready_fd, "error: " + endpoints.error());
  auto lock = acquire_lock(*endpoints, lock_patience);
  if (!lock) return report(ready_fd, "error: " + lock.error());
  const auto state = std::filesystem::absolute(state_directory());
  if (const auto error = open_log(state); !error.empty())
    return report(ready_fd, "error: " + error);

  Settings settings;
  settings.endpoints = *endpoints;
  settings.zygote_program = zygote_program();
  settings.log_file = log_file(state).string();
  settings.history_directory = (state / "imports").string();
  settings.slots = slots != 0 ? slots : usable_cores();
  settings.limits.memory_bytes = number("HEARTH_MEMORY_MB", 0) << 20;
  settings.limits.idle = std::chrono::minutes(number("HEARTH_IDLE_MINUTES", 180));
  settings.age.greatest = std::chrono::minutes(number("HEARTH_STAGE_MINUTES", 60));
  settings.age.past_midnight = std::string_view(variable("HEARTH_PAST_MIDNIGHT")) == "1";
  settings.rebuilds = std::string_view(variable("HEARTH_REBUILD")) != "0";
  settings.verify = std::getenv("HEARTH_TEST_SKIP_VERIFICATION") == nullptr;
  if (access(settings.zygote_program.c_str(), R_OK) != 0) {
    return report(ready_fd, "error: the Python side of hearth is not at " +
                                settings.zygote_program + "; install hearth again");
  }
  {
    Daemon daemon(std::move(settings), *lock);
    if (const auto error = daemon.open(std::move(signals)); !error.empty())
      return report(ready_fd, "error: " + error);
    if (ready_fd >= 0) leave_the_terminal();
    report(ready_fd, "ready");
    daemon.run();
  }
  protocol::remove_endpoints(*endpoints, std::move(*lock));
  return 0;
}
