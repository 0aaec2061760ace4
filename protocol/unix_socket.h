// Unix stream sockets: made, bound, connected, accepted. All are close-on-exec and, except for a
// listening one, blocking (Channel never blocks on them all the same).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

#include "protocol/fd.h"

namespace hearth::protocol {

// Longest path that a socket address holds, without the terminating zero.
inline constexpr std::size_t max_socket_path = 107;

[[nodiscard]] tl::expected<std::pair<Fd, Fd>, std::error_code> socket_pair();

// A listening, non-blocking socket at the path, mode 0600. A socket that is already there is
// replaced: the caller must know (by holding the daemon's lock) that nobody serves it. Anything
// that is not a socket is left and is an error.
[[nodiscard]] tl::expected<Fd, std::error_code> listen_unix(const std::filesystem::path& path);

[[nodiscard]] tl::expected<Fd, std::error_code> connect_unix(const std::filesystem::path& path);

// The next waiting connection; std::errc::operation_would_block when there is none.
[[nodiscard]] tl::expected<Fd, std::error_code> accept_unix(const Fd& listener);

// The user on the other end, as of its connect() or socketpair().
[[nodiscard]] tl::expected<uid_t, std::error_code> peer_uid(const Fd& socket);

// Likewise its process.
[[nodiscard]] tl::expected<pid_t, std::error_code> peer_pid(const Fd& socket);

}  // namespace hearth::protocol
