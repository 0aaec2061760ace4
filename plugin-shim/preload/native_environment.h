// The variables that native code has asked for, or has set, by name. Names only: the process's own
// environment has the values.
#pragma once

#include <set>
#include <string>
#include <utility>

namespace hearth::recorder {

struct NativeEnvironment {
  std::set<std::string> reads;
  std::set<std::string> writes;  // an empty name: all of them (clearenv)
};

}  // namespace hearth::recorder
