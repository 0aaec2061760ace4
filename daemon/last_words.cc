#include "daemon/last_words.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>

namespace hearth::daemon {
namespace {

// Together well below what a frame may hold.
constexpr off_t max_stack = off_t{64} * 1024;
constexpr off_t max_captured = off_t{1024} * 1024;
constexpr off_t max_reports = off_t{4096} * 1024;

// Anything may have become of a test's descriptors: only a file is read, which keeps nobody
// waiting.
std::string end_of(const protocol::Fd& file, off_t most) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  off_t offset = std::max<off_t>(0, status.st_size - most);
  std::string text;
  std::array<char, 65536> buffer;
  while (offset < status.st_size) {
    const ssize_t got = ::pread(file.get(), buffer.data(), buffer.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    offset += got;
  }
  return text;
}

}  // namespace

void LastWords::add_to(protocol::WorkerEnded& ended) const {
  struct Part {
    std::string& text;
    off_t most;
  };
  const std::array<Part, 4> parts{{{ended.reports, max_reports},
                                   {ended.stack, max_stack},
                                   {ended.captured_stdout, max_captured},
                                   {ended.captured_stderr, max_captured}}};
  for (std::size_t i = 0; i < std::min(parts.size(), files_.size()); ++i) {
    parts[i].text = end_of(files_[i], parts[i].most);
  }
}

}  // namespace hearth::daemon
