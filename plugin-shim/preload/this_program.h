// The file that this process executes.
#pragma once

#include <unistd.h>

#include <array>
#include <climits>
#include <string>

namespace hearth::recorder {

// As the kernel names it; empty: it does not.
inline std::string this_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace hearth::recorder
