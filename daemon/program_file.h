// What a program's file tells of the process that it would become.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace hearth::daemon {

struct ProgramFile {
  // The libraries that have to come before any other preloaded one (a sanitizer's runtime).
  std::vector<std::string> first;
};

// The error: why it cannot be a native zygote, in a few words. It is one only if its main is
// certain to be taken over: anything else that is started would do what the command does. So it
// has to be a dynamically linked program of this machine's kind, of glibc's, whose start is libc's,
// and no privilege may keep the loader from preloading.
[[nodiscard]] tl::expected<ProgramFile, std::string> examine_program(const std::string& path);

}  // namespace hearth::daemon
