#include "daemon/client_gateway.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "daemon/log.h"
#include "daemon/version.h"
#include "protocol/codec.h"
#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

// A ticket's streams come on another socket than the submit that names it; one may overtake the
// other.
constexpr auto ticket_patience = std::chrono::seconds(5);
// Streams that nobody submits a run for: they keep the user's pipes open. A client may be stopped
// for a while in between.
constexpr auto unclaimed_patience = std::chrono::seconds(60);
// When no descriptor is left for another connection, which stays in the queue.
constexpr auto rest_period = std::chrono::milliseconds(100);
// Clients of which the daemon remembers that they said hello; ZeroMQ does not tell when one goes.
// One that is forgotten can still speak about the run that it has.
constexpr std::size_t remembered_clients = 4096;
// Messages received in one go, so that a flood from one client does not keep the loop from the
// others.
constexpr int receive_burst = 1000;

const std::string* ticket_of(const protocol::Message& message) {
  if (const auto* run = std::get_if<protocol::SubmitRun>(&message)) return &run->ticket;
  if (const auto* distribution = std::get_if<protocol::SubmitDistribution>(&message))
    return &distribution->ticket;
  return nullptr;
}

// Means something only from a client that has a run, which no other can have begun than one that
// was greeted.
bool is_about_own_run(const protocol::Message& message) {
  return std::holds_alternative<protocol::SignalRun>(message) ||
         std::holds_alternative<protocol::TerminalLeft>(message) ||
         std::holds_alternative<protocol::BeginDistribution>(message) ||
         std::holds_alternative<protocol::WorkersConfigured>(message) ||
         std::holds_alternative<protocol::LostItemJudged>(message) ||
         std::holds_alternative<protocol::CancelDistribution>(message);
}

// On a socket of our own making: of one that it made itself ZeroMQ removes the file at the end,
// also when another daemon's has taken its place.
std::string bind_to(zmq::socket_t& socket, const std::string& address) {
  auto listener = protocol::listen_unix(address.substr(std::strlen("ipc://")));
  if (!listener) return "cannot bind " + address + ": " + listener.error().message();
  try {
    socket.set(zmq::sockopt::use_fd, listener->get());
    socket.bind(address);
  } catch (const zmq::error_t& error) {
    return "cannot bind " + address + ": " + error.what();
  }
  [[maybe_unused]] const int taken = listener->release();
  return {};
}

}  // namespace

ClientGateway::~ClientGateway() {
  for (const auto& [id, connection] : connections_) loop_.unwatch(connection->channel.fd());
  if (streams_listener_) loop_.unwatch(streams_listener_.get());
  for (const auto& [id, connection] : connections_) loop_.cancel(connection->deadline);
  for (const auto& each : waiting_) loop_.cancel(each.deadline);
  loop_.cancel(rest_timer_);
}

std::string ClientGateway::open(const protocol::Endpoints& endpoints) {
  // A controller that is slow to read must lose nothing.
  router_ = zmq::socket_t(context_, zmq::socket_type::router);
  router_.set(zmq::sockopt::sndhwm, 0);
  router_.set(zmq::sockopt::rcvhwm, 0);
  router_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(protocol::limits::frame_bytes));
  router_.set(zmq::sockopt::linger, 200);
  publisher_ = zmq::socket_t(context_, zmq::socket_type::pub);
  publisher_.set(zmq::sockopt::linger, 0);
  if (auto error = bind_to(router_, endpoints.clients()); !error.empty()) return error;
  if (auto error = bind_to(publisher_, endpoints.events()); !error.empty()) return error;
  auto listener = protocol::listen_unix(endpoints.streams());
  if (!listener)
    return "cannot bind " + endpoints.streams().string() + ": " + listener.error().message();
  streams_listener_ = std::move(*listener);
  loop_.watch(router_, [this] { receive(); });
  loop_.watch(streams_listener_.get(), POLLIN, [this](short) { accept_connection(); });
  return {};
}

void ClientGateway::send(const ClientId& client, const protocol::Message& message) {
  const auto payload = protocol::encode(message);
  try {
    router_.send(zmq::buffer(client), zmq::send_flags::sndmore | zmq::send_flags::dontwait);
    router_.send(zmq::buffer(payload), zmq::send_flags::dontwait);
  } catch (const zmq::error_t& error) {
    log("gateway").warn("send_failed error={}", error.what());
  }
}

void ClientGateway::send_beside_streams(std::uint64_t connection,
                                        const protocol::Message& message) {
  const auto it = connections_.find(connection);
  if (it == connections_.end()) return;
  it->second->channel.send(message);
  if (it->second->channel.wants_write()) update_watch(*it->second);
}

void ClientGateway::refuse(const ClientId& client, std::string message) {
  log("gateway").warn("client_refused message={:?}", message);
  send(client, protocol::Refused{std::move(message)});
}

void ClientGateway::publish(const std::string& name,
                            const std::vector<std::pair<std::string, std::string>>& details) {
  protocol::Event event;
  event.name = name;
  for (const auto& [key, value] : details) event.details.push_back({key, value});
  const auto payload = protocol::encode(event);
  try {
    publisher_.send(zmq::buffer(name), zmq::send_flags::sndmore | zmq::send_flags::dontwait);
    publisher_.send(zmq::buffer(payload), zmq::send_flags::dontwait);
  } catch (const zmq::error_t& error) {
    log("gateway").warn("publish_failed error={}", error.what());
  }
}

// ---- ZeroMQ

void ClientGateway::receive() {
  for (int i = 0; i < receive_burst; ++i) {
    std::vector<zmq::message_t> frames;
    for (;;) {
      zmq::message_t frame;
      if (!router_.recv(frame, zmq::recv_flags::dontwait)) return;
      const bool more = frame.more();
      frames.push_back(std::move(frame));
      if (!more) break;
    }
    const ClientId client = frames[0].to_string();
    if (frames.size() != 2) {
      refuse(client, "a message is one frame; got " + std::to_string(frames.size() - 1));
      continue;
    }
    handle(client, frames[1].to_string_view());
  }
}

void ClientGateway::handle(const ClientId& client, std::string_view payload) {
  auto message = protocol::decode(payload);
  if (!message) {
    refuse(client, "malformed message: " + message.error().message);
    return;
  }
  if (const auto* hello = std::get_if<protocol::Hello>(&*message)) {
    say_hello(client, *hello);
  } else if (!greeted_.contains(client) && !is_about_own_run(*message)) {
    refuse(client, "the first message must be hello");
  } else if (const auto* ticket = ticket_of(*message)) {
    submit(client, std::move(*message), *ticket);
  } else {
    listener_.client_said(client, std::move(*message), std::nullopt);
  }
}

void ClientGateway::say_hello(const ClientId& client, const protocol::Hello& hello) {
  if (hello.protocol != protocol::protocol_version) {
    refuse(client, "this hearthd is " + std::string(version) + " (protocol " +
                       std::to_string(protocol::protocol_version) + "), the client is " +
                       hello.version + " (protocol " + std::to_string(hello.protocol) +
                       "); run `hearth stop` and try again to start a daemon of your own version");
    return;
  }
  if (greeted_.emplace(client, true).second) {
    greeted_order_.push_back(client);
    if (greeted_order_.size() > remembered_clients) {
      greeted_.erase(greeted_order_.front());
      greeted_order_.pop_front();
    }
  }
  protocol::Welcome welcome;
  welcome.protocol = protocol::protocol_version;
  for (const auto feature : protocol::features) welcome.features.emplace_back(feature);
  welcome.version = version;
  welcome.pid = static_cast<std::uint64_t>(getpid());
  send(client, welcome);
}

void ClientGateway::submit(const ClientId& client, protocol::Message message, std::string ticket) {
  if (try_submit(client, message, ticket)) return;
  const auto deadline = loop_.after(ticket_patience, [this, ticket] {
    const auto it = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const Waiting& each) { return each.ticket == ticket; });
    if (it == waiting_.end()) return;
    refuse(it->client, "the streams of the submitted run did not arrive");
    waiting_.erase(it);
  });
  waiting_.push_back({client, std::move(message), std::move(ticket), deadline});
}

bool ClientGateway::try_submit(const ClientId& client, protocol::Message& message,
                               const std::string& ticket) {
  for (auto& [id, connection] : connections_) {
    if (!connection->streams || connection->ticket != ticket) continue;
    Attachment attachment{std::move(*connection->streams), id, connection->client};
    connection->streams.reset();
    loop_.cancel(connection->deadline);
    listener_.client_said(client, std::move(message), std::move(attachment));
    return true;
  }
  return false;
}

// ---- the streams socket

void ClientGateway::accept_connection() {
  auto socket = protocol::accept_unix(streams_listener_);
  if (!socket) {
    if (socket.error() != std::errc::operation_would_block) rest_from_accepting();
    return;
  }
  const auto uid = protocol::peer_uid(*socket);
  if (!uid || *uid != getuid()) {
    log("gateway").warn("peer_refused uid={}", uid ? static_cast<long>(*uid) : -1L);
    return;
  }
  const auto id = next_connection_++;
  const auto client = protocol::peer_pid(*socket).value_or(0);
  auto connection = std::unique_ptr<Connection>(
      new Connection{id, client, protocol::Channel(std::move(*socket)), {}, {}, {}});
  connection->deadline = loop_.after(unclaimed_patience, [this, id] {
    log("gateway").warn("streams_unclaimed connection={}", id);
    close_connection(id);
  });
  loop_.watch(connection->channel.fd(), POLLIN,
              [this, id](short events) { on_connection(id, events); });
  connections_[id] = std::move(connection);
}

// Asking again at once would only keep the processor busy.
void ClientGateway::rest_from_accepting() {
  log("gateway").error("accept_failed error={}", std::strerror(errno));
  loop_.change_events(streams_listener_.get(), 0);
  rest_timer_ =
      loop_.after(rest_period, [this] { loop_.change_events(streams_listener_.get(), POLLIN); });
}

void ClientGateway::on_connection(std::uint64_t id, short events) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  auto& connection = *it->second;
  if ((events & POLLOUT) != 0) {
    connection.channel.on_writable();
    update_watch(connection);
  }
  bool valid = true;
  for (auto& received : connection.channel.on_readable())
    valid = valid && take(connection, std::move(received));
  if (valid && !connection.channel.closed()) {
    if (!connection.streams) return;
    const auto waits = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& each) {
      return each.ticket == connection.ticket;
    });
    if (waits == waiting_.end()) return;
    auto waiting = std::move(*waits);
    waiting_.erase(waits);
    loop_.cancel(waiting.deadline);
    try_submit(waiting.client, waiting.message, waiting.ticket);
    return;
  }
  if (!valid || !connection.channel.error().empty()) {
    log("gateway").warn("streams_connection_refused error={:?}", connection.channel.error());
  }
  close_connection(id);
  listener_.client_gone(id);
}

void ClientGateway::update_watch(Connection& connection) {
  if (connection.channel.closed()) return;
  loop_.change_events(
      connection.channel.fd(),
      static_cast<short>(POLLIN | (connection.channel.wants_write() ? POLLOUT : 0)));
}

bool ClientGateway::take(Connection& connection, protocol::Received received) {
  if (connection.is_for_commands)
    return listener_.command_ordered(connection.id, std::move(received));
  auto* opening = std::get_if<protocol::OpenCommands>(&received.message);
  if (!opening || !connection.ticket.empty()) return take_streams(connection, std::move(received));
  connection.is_for_commands = true;
  loop_.cancel(connection.deadline);
  return listener_.commands_opened(connection.id, connection.client, std::move(*opening));
}

bool ClientGateway::take_streams(Connection& connection, protocol::Received received) {
  auto* message = std::get_if<protocol::Streams>(&received.message);
  if (!message || !connection.ticket.empty() || message->ticket.empty() ||
      message->open.size() != 3)
    return false;
  const auto open =
      static_cast<std::size_t>(std::count(message->open.begin(), message->open.end(), true));
  if (open != received.descriptors.size()) return false;
  Streams streams;
  std::size_t next = 0;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    streams[i] = message->open[i] ? std::move(received.descriptors[next++])
                                  : protocol::Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!streams[i]) return false;
  }
  connection.ticket = message->ticket;
  connection.streams = std::move(streams);
  return true;
}

void ClientGateway::close_connection(std::uint64_t connection) {
  const auto it = connections_.find(connection);
  if (it == connections_.end()) return;
  loop_.unwatch(it->second->channel.fd());
  loop_.cancel(it->second->deadline);
  connections_.erase(it);
}

}  // namespace hearth::daemon
