// What two commands of a native program have in common if they can be forks of one process: all
// that the process could have looked at before main.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/stage_key.h"

namespace hearth::daemon {

// The NAME=value entries of a whole environment. Copies share them: a run has one for all of its
// commands.
class SharedEnvironment {
 public:
  SharedEnvironment() : SharedEnvironment(std::vector<std::string>()) {}
  explicit SharedEnvironment(std::vector<std::string> entries)
      : entries_(std::make_shared<const std::vector<std::string>>(std::move(entries))) {}

  const std::vector<std::string>& entries() const { return *entries_; }
  bool operator==(const SharedEnvironment& other) const {
    return entries_ == other.entries_ || *entries_ == *other.entries_;
  }

 private:
  std::shared_ptr<const std::vector<std::string>> entries_;
};

struct NativeKey {
  std::string program;    // absolute path
  std::string name;       // argv[0]
  std::string directory;  // absolute path
  SharedEnvironment environment;
  std::uint64_t umask = 0;
  protocol::ProcessContext context;
  StreamShape shape;
  bool operator==(const NativeKey&) const = default;
};

}  // namespace hearth::daemon
