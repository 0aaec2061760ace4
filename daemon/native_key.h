// What two commands of a native program have in common if they can be forks of one process: all
// that the process could have looked at before main.
#pragma once

#include <string>
#include <vector>

#include "daemon/stage_key.h"

namespace hearth::daemon {

struct NativeKey {
  std::string program;                   // absolute path
  std::string name;                      // argv[0]
  std::string directory;                 // absolute path
  std::vector<std::string> environment;  // NAME=value
  std::uint64_t umask = 0;
  protocol::ProcessContext context;
  StreamShape shape;
  bool operator==(const NativeKey&) const = default;
};

}  // namespace hearth::daemon
