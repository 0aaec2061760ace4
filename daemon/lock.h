// The lock that makes a daemon the only one of its user: held on a file for life, by flock.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "protocol/fd.h"

namespace hearth::daemon {

// Removes another lock file, unless somebody holds its lock.
void remove_unheld(const std::filesystem::path& path);

class Lock {
 public:
  // The error is a line for the user ("another hearthd …").
  static tl::expected<Lock, std::string> acquire(const std::filesystem::path& path);

  // Removes the file while the lock is still held, then gives it up.
  void release();

 private:
  Lock(std::filesystem::path path, protocol::Fd file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::filesystem::path path_;
  protocol::Fd file_;
};

}  // namespace hearth::daemon
