#include "plugin-shim/ctest/captured_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "plugin-shim/ctest/environment.h"
#include "plugin-shim/ctest/words.h"

namespace hearth::ctest {
std::string content_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t size =
        pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (size <= 0) break;
    done += static_cast<std::size_t>(size);
  }
  text.resize(done);
  return text;
}

std::string content_of(const std::filesystem::path& file) {
  const protocol::Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return fd ? content_of(fd.get()) : std::string();
}

tl::expected<CapturedProcess, std::string> CapturedProcess::start(
    const std::vector<std::string>& argv) {
  return start(argv, this_environment(), -1);
}

tl::expected<CapturedProcess, std::string> CapturedProcess::start(
    const std::vector<std::string>& argv, const std::vector<std::string>& environment, int kept) {
  protocol::Fd output(memfd_create("output", MFD_CLOEXEC));
  protocol::Fd errors(memfd_create("errors", MFD_CLOEXEC));
  if (!output || !errors) return tl::unexpected(std::string(std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
  if (kept >= 0) posix_spawn_file_actions_adddup2(&actions, kept, kept);
  std::vector<char*> words = pointers_to(argv);
  std::vector<char*> variables = pointers_to(environment);
  pid_t pid = -1;
  const int trouble =
      posix_spawn(&pid, argv[0].c_str(), &actions, nullptr, words.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  if (trouble != 0) return tl::unexpected(std::string(std::strerror(trouble)));
  return CapturedProcess(pid, std::move(output), std::move(errors));
}

Captured CapturedProcess::wait() {
  Captured captured;
  while (waitpid(pid_, &captured.wait_status, 0) < 0 && errno == EINTR) {
  }
  captured.output = content_of(output_.get());
  captured.errors = content_of(errors_.get());
  return captured;
}

}  // namespace hearth::ctest
