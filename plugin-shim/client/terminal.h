// What can be done on the terminal that a descriptor leads to.
#pragma once

#include <cstddef>

namespace hearth::client {

// It is a terminal, and one that can take off a line again ($TERM, as given).
bool can_erase(int fd, const char* terminal_type);

// Whoever writes from the background is stopped, or disturbs somebody.
bool is_in_foreground(int fd);

// 80 where it does not say.
std::size_t columns_of(int fd);

inline constexpr const char* kEraseLine = "\r\x1b[K";

}  // namespace hearth::client
