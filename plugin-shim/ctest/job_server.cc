#include "plugin-shim/ctest/job_server.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace hearth::ctest {

bool has_job_server(const char* flags) {
  if (flags == nullptr) return false;
  const std::string_view all = flags;
  // The last one counts; the older name is that of make before 4.2.
  for (const std::string_view name : {"--jobserver-auth=", "--jobserver-fds="}) {
    const auto begin = all.rfind(name);
    if (begin == std::string_view::npos) continue;
    const std::string_view rest = all.substr(begin + name.size());
    const std::string value(rest.substr(0, rest.find(' ')));
    constexpr std::string_view kPipe = "fifo:";
    if (value.starts_with(kPipe)) return access(value.c_str() + kPipe.size(), R_OK | W_OK) == 0;
    int reading = -1;
    int writing = -1;
    return std::sscanf(value.c_str(), "%d,%d", &reading, &writing) == 2 &&
           fcntl(reading, F_GETFD) >= 0 && fcntl(writing, F_GETFD) >= 0;
  }
  return false;
}

}  // namespace hearth::ctest
