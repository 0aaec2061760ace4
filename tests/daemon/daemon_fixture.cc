#include "daemon_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "daemon/linux.h"

namespace hearth::tests {
namespace {

using namespace hearth::protocol;
namespace fs = std::filesystem;

constexpr auto patience = std::chrono::seconds(15);
constexpr int look_interval_ms = 2;

std::string read_all(int fd) {
  std::string text;
  char buffer[256];
  for (ssize_t count = 0; (count = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

}  // namespace

void DaemonFixture::SetUp() {
  daemon::become_subreaper();  // what a daemon leaves behind becomes a child of the test
  char name[] = "/tmp/hearth-daemon-test-XXXXXX";
  directory_ = mkdtemp(name);
  endpoints_.directory = fs::path(directory_) / "run";
  ASSERT_EQ(start(), "ready\n");
}

void DaemonFixture::TearDown() {
  if (daemon_ != 0) stop();
  observer_.reset();
  wait_until("nothing is left of the daemon", [] {
    daemon::reap_children();
    return daemon::descendants().empty();
  });
  for (const auto pid : daemon::descendants()) kill(pid, SIGKILL);
  fs::remove_all(directory_);
}

std::string DaemonFixture::start(const std::vector<std::string>& environment) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return "no pipe";
  std::vector<std::string> entries = environment;
  entries.push_back("HEARTH_RUNTIME_DIR=" + endpoints_.directory.string());
  entries.push_back("HEARTH_STATE_DIR=" + directory_ + "/state");
  if (const char* options = std::getenv("TSAN_OPTIONS"))
    entries.push_back(std::string("TSAN_OPTIONS=") + options);
  std::vector<char*> envp;
  for (auto& entry : entries) envp.push_back(entry.data());
  envp.push_back(nullptr);
  const auto fd = std::to_string(ready[1]);
  const pid_t pid = fork();
  if (pid == 0) {
    fcntl(ready[1], F_SETFD, 0);
    execle(HEARTHD, HEARTHD, "--ready-fd", fd.c_str(), "--slots", "2", nullptr, envp.data());
    _exit(127);
  }
  close(ready[1]);
  const auto answer = read_all(ready[0]);
  close(ready[0]);
  if (answer == "ready\n") {
    daemon_ = pid;
    observer_ = client();
  } else {
    waitpid(pid, nullptr, 0);
  }
  return answer;
}

void DaemonFixture::stop() {
  observer_->greet();
  observer_->send(Stop{});
  EXPECT_TRUE(observer_->receive_a<Stopping>());
  int status = -1;
  wait_until("the daemon has ended", [&] { return waitpid(daemon_, &status, WNOHANG) == daemon_; });
  daemon_ = 0;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << daemon::describe_wait_status(status);
  daemon::reap_children();
  EXPECT_TRUE(daemon::descendants().empty()) << "processes are left";
  EXPECT_FALSE(fs::exists(endpoints_.directory)) << "the runtime directory is left";
}

void DaemonFixture::kill_daemon() {
  kill(daemon_, SIGKILL);
  waitpid(daemon_, nullptr, 0);
  daemon_ = 0;
}

bool DaemonFixture::is_running() const { return daemon_ != 0 && kill(daemon_, 0) == 0; }

void DaemonFixture::wait_until(const char* what, const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "waited in vain until " << what;
      return;
    }
    poll(nullptr, 0, look_interval_ms);
  }
}

void DaemonFixture::expect_that_it_serves() {
  auto one = client();
  ASSERT_NE(one->submit({"simple"}), 0u);
  const auto finished = one->receive_a<RunFinished>();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->wait_status, 7 << 8);
  EXPECT_EQ(one->output(), "<simple>");
}

void DaemonFixture::wait_until_idle() {
  wait_until("no run is in progress", [&] { return status().runs.empty(); });
  wait_until("no process of a run is left", [&] { return processes_of_runs().empty(); });
}

std::size_t DaemonFixture::open_descriptors() const {
  const fs::directory_iterator all("/proc/" + std::to_string(daemon_) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::uint64_t DaemonFixture::resident_kib() const {
  std::ifstream file("/proc/" + std::to_string(daemon_) + "/status");
  for (std::string word; file >> word;) {
    std::uint64_t value = 0;
    if (word == "VmRSS:" && file >> value) return value;
  }
  return 0;
}

std::vector<pid_t> DaemonFixture::zygotes(Stage stage, Flavour flavour) {
  std::vector<pid_t> pids;
  for (const auto& each : status().zygotes) {
    const bool fits = stage == Stage::interpreter || each.flavour == flavour;
    if (each.stage == stage && fits && each.pid != 0) pids.push_back(static_cast<pid_t>(each.pid));
  }
  return pids;
}

std::vector<pid_t> DaemonFixture::processes_of_runs() {
  std::set<pid_t> known{daemon_};
  for (const auto& each : status().zygotes) known.insert(static_cast<pid_t>(each.pid));
  std::vector<pid_t> others;
  for (const auto pid : daemon::descendants()) {
    if (!known.contains(pid)) others.push_back(pid);
  }
  return others;
}

bool DaemonFixture::has_session() {
  const auto runs = status().runs;
  return runs.size() == 1 && runs.front().state == "running";
}

std::string DaemonFixture::mark(const std::string& name) {
  const auto path = directory_ + "/" + name;
  std::ofstream(path) << "mark";
  return path;
}

bool DaemonFixture::exists(const std::string& path) { return fs::exists(path); }

}  // namespace hearth::tests
