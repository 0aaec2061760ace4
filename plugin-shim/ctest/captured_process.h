// A command that is executed for what it says: its standard output and error, whole.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "protocol/fd.h"

namespace hearth::ctest {

struct Captured {
  int wait_status = 0;
  std::string output;
  std::string errors;
};

// Of a file, from its beginning; what can be read of it.
std::string content_of(int fd);
std::string content_of(const std::filesystem::path& file);

class CapturedProcess {
 public:
  // `argv[0]` is a path; `environment` is whole (NAME=value). It keeps the descriptor
  // `kept`, if that is one. The error is a system's text.
  static tl::expected<CapturedProcess, std::string> start(
      const std::vector<std::string>& argv, const std::vector<std::string>& environment, int kept);
  // With the environment of this process.
  static tl::expected<CapturedProcess, std::string> start(const std::vector<std::string>& argv);

  // Until it has ended; once.
  Captured wait();

 private:
  CapturedProcess(pid_t pid, protocol::Fd output, protocol::Fd errors)
      : pid_(pid), output_(std::move(output)), errors_(std::move(errors)) {}

  pid_t pid_ = -1;
  protocol::Fd output_;  // files in memory: nobody has to read while it runs
  protocol::Fd errors_;
};

}  // namespace hearth::ctest
