// A variable by which whoever starts a process tells this library something. It is nobody else's.
#pragma once

#include <unistd.h>

#include <cstring>
#include <string_view>

namespace hearth::zygote {

// The value of a variable, `NAME=`, which is removed from the environment; it stays where it was
// in memory. Empty: there is none.
inline std::string_view take_variable(std::string_view name) {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with(name)) continue;
    for (char** it = entry; *it != nullptr; ++it) *it = it[1];
    return text.substr(name.size());
  }
  return {};
}

}  // namespace hearth::zygote
