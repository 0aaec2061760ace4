// write(2), until all is written; false: it cannot be.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace hearth::protocol {

inline bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace hearth::protocol
