#include "protocol/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

namespace hearth::protocol {
namespace {

tl::unexpected<std::error_code> last_error() {
  return tl::unexpected(std::error_code(errno, std::generic_category()));
}

std::optional<sockaddr_un> address_of(const std::filesystem::path& path) {
  const std::string& text = path.native();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // An empty path would be autobound, one with a zero byte would name another file.
  if (text.empty() || text.size() > max_socket_path || text.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  std::copy(text.begin(), text.end(), address.sun_path);
  return address;
}

tl::unexpected<std::error_code> unusable_path() {
  return tl::unexpected(std::make_error_code(std::errc::filename_too_long));
}

tl::expected<ucred, std::error_code> peer_of(const Fd& socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return last_error();
  return peer;
}

}  // namespace

tl::expected<std::pair<Fd, Fd>, std::error_code> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return last_error();
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

tl::expected<Fd, std::error_code> listen_unix(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return unusable_path();
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) {
      return tl::unexpected(std::make_error_code(std::errc::file_exists));
    }
    if (::unlink(path.c_str()) != 0) return last_error();
  }
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return last_error();
  // Before bind, so that the path never has another mode.
  if (::fchmod(socket.get(), 0600) != 0) return last_error();
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    return last_error();
  }
  return socket;
}

tl::expected<Fd, std::error_code> connect_unix(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return unusable_path();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return last_error();
  int result;
  do {
    result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return last_error();
  return socket;
}

tl::expected<Fd, std::error_code> accept_unix(const Fd& listener) {
  int accepted;
  do {
    accepted = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
  } while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (accepted < 0) return last_error();
  return Fd(accepted);
}

tl::expected<uid_t, std::error_code> peer_uid(const Fd& socket) {
  return peer_of(socket).map([](const ucred& peer) { return peer.uid; });
}

tl::expected<pid_t, std::error_code> peer_pid(const Fd& socket) {
  return peer_of(socket).map([](const ucred& peer) { return peer.pid; });
}

}  // namespace hearth::protocol
