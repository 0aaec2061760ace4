#include "daemon/lock.h"

#include <poll.h>
#include <unistd.h>

#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

using Clock = std::chrono::steady_clock;
using protocol::FileLock;

constexpr int look_interval_ms = 5;

}  // namespace

tl::expected<FileLock, std::string> acquire_lock(const protocol::Endpoints& endpoints,
                                                 std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  for (;;) {
    auto lock = FileLock::acquire(endpoints.lock(), FileLock::Held::give_up);
    // One that was about to end has removed the directory in between.
    const bool is_gone = !lock && lock.error() == std::errc::no_such_file_or_directory;
    if (is_gone) {
      if (auto again = protocol::prepare_endpoints(); !again) return tl::unexpected(again.error());
    } else if (!lock && lock.error() != std::errc::operation_would_block) {
      return tl::unexpected("cannot lock " + endpoints.lock().string() + ": " +
                            lock.error().message());
    }
    if (lock) {
      const auto text = std::to_string(getpid()) + "\n";
      if (ftruncate(lock->fd(), 0) != 0 || write(lock->fd(), text.data(), text.size()) < 0)
        return tl::unexpected("cannot write " + endpoints.lock().string());
      return std::move(*lock);
    }
    if (protocol::connect_unix(endpoints.streams())) {
      return tl::unexpected("another hearthd serves " + endpoints.directory.string() +
                            " already; see `hearth status`");
    }
    if (Clock::now() >= until) {
      return tl::unexpected("another hearthd holds " + endpoints.lock().string() +
                            " and does not serve: end it (its process id is in that file)");
    }
    poll(nullptr, 0, look_interval_ms);
  }
}

}  // namespace hearth::daemon
