#include "plugin-shim/client/connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <variant>
#include <vector>

#include "plugin-shim/client/state_directory.h"
#include "protocol/channel.h"
#include "protocol/codec.h"
#include "protocol/poll_time.h"
#include "protocol/unix_socket.h"

namespace hearth::client {
namespace {

// How long messages that a daemon sent before it died may take from its socket to us.
constexpr std::chrono::milliseconds kLastMessages{500};
constexpr std::size_t kTicketBytes = 16;

struct ContextDeleter {
  void operator()(void* context) const { zmq_ctx_term(context); }
};
struct SocketDeleter {
  void operator()(void* socket) const { zmq_close(socket); }
};

Failure trouble(const std::string& what) {
  return {FailureKind::trouble, "cannot talk to the daemon: " + what};
}

const char* or_unknown(const std::string& version) {
  return version.empty() ? "(unknown)" : version.c_str();
}

Failure mismatch(const protocol::Welcome& daemon, const std::string& what) {
  return {FailureKind::refused,
          std::string("the running daemon is hearth ") + or_unknown(daemon.version) +
              ", this is hearth " HEARTH_VERSION ", and they cannot work together (" + what +
              "): end it with `hearth stop` and try again"};
}

}  // namespace

OpenStreams open_streams() {
  OpenStreams open{};
  for (int stream = 0; stream <= 2; ++stream) {
    open[static_cast<std::size_t>(stream)] = fcntl(stream, F_GETFD) >= 0;
  }
  return open;
}

struct Connection::Parts {
  explicit Parts(protocol::Fd streams_socket) : streams(std::move(streams_socket)) {}

  std::unique_ptr<void, ContextDeleter> context;  // destroyed after the socket
  std::unique_ptr<void, SocketDeleter> socket;
  protocol::Channel streams;
  std::uint64_t daemon_pid = 0;
};

Connection::Connection(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

tl::expected<Connection, Failure> Connection::open(const protocol::Endpoints& endpoints) {
  auto streams = protocol::connect_unix(endpoints.streams());
  if (!streams) {
    const std::error_code& error = streams.error();
    if (error == std::errc::no_such_file_or_directory || error == std::errc::connection_refused) {
      return tl::unexpected(Failure{FailureKind::no_daemon, "no daemon is running"});
    }
    return tl::unexpected(trouble(endpoints.streams().string() + ": " + error.message()));
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(streams->get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.uid != geteuid()) {
    return tl::unexpected(trouble(endpoints.streams().string() + " belongs to another user"));
  }

  auto parts = std::make_unique<Parts>(std::move(*streams));
  parts->daemon_pid = static_cast<std::uint64_t>(peer.pid);
  parts->context.reset(zmq_ctx_new());
  parts->socket.reset(parts->context ? zmq_socket(parts->context.get(), ZMQ_DEALER) : nullptr);
  if (!parts->socket) return tl::unexpected(trouble(zmq_strerror(zmq_errno())));
  // Nothing is dropped however slow this side is (zero: no limit), and nothing holds up its end.
  const int zero = 0;
  for (const int option : {ZMQ_LINGER, ZMQ_SNDHWM, ZMQ_RCVHWM}) {
    zmq_setsockopt(parts->socket.get(), option, &zero, sizeof zero);
  }
  const auto limit = static_cast<std::int64_t>(protocol::limits::frame_bytes);
  zmq_setsockopt(parts->socket.get(), ZMQ_MAXMSGSIZE, &limit, sizeof limit);
  if (zmq_connect(parts->socket.get(), endpoints.clients().c_str()) != 0) {
    return tl::unexpected(trouble(endpoints.clients() + ": " + zmq_strerror(zmq_errno())));
  }
  Connection connection(std::move(parts));
  connection.send(
      protocol::Hello{.protocol = protocol::protocol_version,
                      .features = {std::begin(protocol::features), std::end(protocol::features)},
                      .version = HEARTH_VERSION});
  return connection;
}

tl::expected<protocol::Welcome, Failure> Connection::greet(Clock::time_point until) {
  protocol::Message answer;
  for (;;) {
    const auto wake = receive(answer, until);
    if (!wake) return tl::unexpected(wake.error());
    if (*wake == Wake::other) continue;
    if (*wake == Wake::timeout) {
      return tl::unexpected(Failure{FailureKind::timed_out,
                                    "the daemon (process " + std::to_string(parts_->daemon_pid) +
                                        ") does not answer; see " + log_file().string()});
    }
    break;
  }
  const auto* welcome = std::get_if<protocol::Welcome>(&answer);
  if (welcome == nullptr) return tl::unexpected(trouble("it did not answer hello with welcome"));
  if (welcome->protocol != protocol::protocol_version) {
    return tl::unexpected(mismatch(*welcome, "protocol " + std::to_string(welcome->protocol) +
                                                 " and " +
                                                 std::to_string(protocol::protocol_version)));
  }
  for (const std::string_view feature : protocol::features) {
    if (std::find(welcome->features.begin(), welcome->features.end(), feature) ==
        welcome->features.end()) {
      return tl::unexpected(mismatch(*welcome, "it does not know of " + std::string(feature)));
    }
  }
  return *welcome;
}

tl::expected<std::string, Failure> Connection::send_streams(const OpenStreams& open) {
  protocol::Streams message;
  message.ticket.resize(kTicketBytes);
  if (getrandom(message.ticket.data(), kTicketBytes, 0) != static_cast<ssize_t>(kTicketBytes)) {
    return tl::unexpected(trouble(std::string("no random bytes: ") + std::strerror(errno)));
  }
  std::vector<protocol::Fd> descriptors;
  for (int stream = 0; stream <= 2; ++stream) {
    protocol::Fd copy(open[static_cast<std::size_t>(stream)] ? fcntl(stream, F_DUPFD_CLOEXEC, 3)
                                                             : -1);
    message.open.push_back(static_cast<bool>(copy));
    if (copy) descriptors.push_back(std::move(copy));
  }
  std::string ticket = message.ticket;
  parts_->streams.send(std::move(message), std::move(descriptors));
  return ticket;
}

std::string Connection::protocol_bytes(const protocol::Message& message) {
  return protocol::encode(message);
}

void Connection::send_bytes(std::string_view payload) {
  // Without a limit on the queue this does not block; it fails only for a broken context.
  while (zmq_send(parts_->socket.get(), payload.data(), payload.size(), ZMQ_DONTWAIT) < 0 &&
         zmq_errno() == EINTR) {
  }
}

bool Connection::take_message(std::string& payload) {
  zmq_msg_t part;
  zmq_msg_init(&part);
  int size = 0;
  do {
    size = zmq_msg_recv(&part, parts_->socket.get(), ZMQ_DONTWAIT);
  } while (size < 0 && zmq_errno() == EINTR);
  if (size >= 0) {
    payload.assign(static_cast<const char*>(zmq_msg_data(&part)), zmq_msg_size(&part));
  }
  zmq_msg_close(&part);
  return size >= 0;
}

Failure Connection::lost() const {
  return {FailureKind::lost, "the daemon (process " + std::to_string(parts_->daemon_pid) +
                                 ") has gone away; see " + log_file().string()};
}

tl::expected<Wake, Failure> Connection::receive_bytes(std::string& payload, Clock::time_point until,
                                                      int other_fd) {
  for (;;) {
    if (take_message(payload)) return Wake::message;
    zmq_pollitem_t items[3] = {{parts_->socket.get(), 0, ZMQ_POLLIN, 0}, {}, {}};
    int count = 1;
    if (parts_->streams.closed()) {
      if (zmq_poll(items, 1, kLastMessages.count()) > 0) continue;
      return tl::unexpected(lost());
    }
    short wanted = ZMQ_POLLIN;
    if (parts_->streams.wants_write()) wanted |= ZMQ_POLLOUT;
    items[count++] = {nullptr, parts_->streams.fd(), wanted, 0};
    if (other_fd >= 0) items[count++] = {nullptr, other_fd, ZMQ_POLLIN, 0};

    const int ready = zmq_poll(items, count, protocol::milliseconds_until(until));
    if (ready < 0 && zmq_errno() == EINTR) return Wake::other;
    if (ready < 0) return tl::unexpected(trouble(zmq_strerror(zmq_errno())));
    if (ready == 0) return Wake::timeout;
    if ((items[1].revents & ZMQ_POLLOUT) != 0) parts_->streams.on_writable();
    if ((items[1].revents & (ZMQ_POLLIN | ZMQ_POLLERR)) != 0) {
      // The daemon says nothing here but, before it closes, why it cannot go on.
      for (protocol::Received& received : parts_->streams.on_readable()) {
        payload = protocol::encode(received.message);
        return Wake::message;
      }
    }
    if (other_fd >= 0 && items[2].revents != 0) return Wake::other;
  }
}

tl::expected<Wake, Failure> Connection::receive(protocol::Message& message, Clock::time_point until,
                                                int other_fd) {
  std::string payload;
  auto wake = receive_bytes(payload, until, other_fd);
  if (!wake || *wake != Wake::message) return wake;
  auto decoded = protocol::decode(payload);
  if (!decoded)
    return tl::unexpected(
        trouble("it sent something else than a message: " + decoded.error().message));
  if (const auto* refused = std::get_if<protocol::Refused>(&*decoded)) {
    return tl::unexpected(Failure{FailureKind::refused, refused->message});
  }
  message = std::move(*decoded);
  return Wake::message;
}

bool Connection::wait_until_closed(Clock::time_point until) {
  while (!parts_->streams.closed()) {
    pollfd streams{parts_->streams.fd(), POLLIN, 0};
    const int ready = poll(&streams, 1, protocol::milliseconds_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    static_cast<void>(parts_->streams.on_readable());  // only its end matters now
  }
  return true;
}

std::uint64_t Connection::daemon_pid() const { return parts_->daemon_pid; }

}  // namespace hearth::client
