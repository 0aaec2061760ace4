// The daemon's front door: the ROUTER socket for messages, the streams socket for descriptors and
// for noticing that a client has died, and the PUB socket for events.
//
// A client that says something malformed is answered with `refused` (or loses its streams
// connection); the daemon goes on. A ticket serves once; streams that no submit asks for are closed
// after a while, and so is a connection that sends none.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/event_loop.h"
#include "daemon/run.h"
#include "protocol/channel.h"
#include "protocol/endpoints.h"

namespace hearth::daemon {

class ClientGateway {
 public:
  using ClientId = std::string;  // ZeroMQ's routing id

  // What a streams connection brought. `on_gone` is set by whoever takes it.
  struct Attachment {
    Streams streams;
    std::uint64_t connection = 0;
    pid_t client = 0;
  };

  struct Listener {
    virtual ~Listener() = default;
    // After a valid hello; anything but hello, submits included (their ticket's streams in
    // `attachment`).
    virtual void client_said(const ClientId& client, protocol::Message message,
                             std::optional<Attachment> attachment) = 0;
    // A client that orders commands on its streams connection: its first message, and those that
    // follow. False: what it says makes no sense, and the connection is closed.
    virtual bool commands_opened(std::uint64_t connection, pid_t client,
                                 protocol::OpenCommands message) = 0;
    virtual bool command_ordered(std::uint64_t connection, protocol::Received received) = 0;
    // The client whose streams these were is dead, or has closed the connection.
    virtual void client_gone(std::uint64_t connection) = 0;
  };

  ClientGateway(EventLoop& loop, zmq::context_t& context, Listener& listener)
      : loop_(loop), context_(context), listener_(listener) {}
  ~ClientGateway();
  ClientGateway(const ClientGateway&) = delete;
  ClientGateway& operator=(const ClientGateway&) = delete;

  // Binds all three. An error text, or empty. The caller holds the daemon's lock: stale sockets are
  // taken over, and ours are the caller's to remove.
  [[nodiscard]] std::string open(const protocol::Endpoints& endpoints);

  void send(const ClientId& client, const protocol::Message& message);
  // Written to the socket before this returns (but for a client that reads nothing at all).
  void send_beside_streams(std::uint64_t connection, const protocol::Message& message);
  void refuse(const ClientId& client, std::string message);
  void publish(const std::string& name,
               const std::vector<std::pair<std::string, std::string>>& details);
  void close_connection(std::uint64_t connection);

 private:
  struct Connection {
    std::uint64_t id = 0;
    pid_t client = 0;
    protocol::Channel channel;
    std::string ticket;              // empty until it was said
    std::optional<Streams> streams;  // until a submit takes them
    EventLoop::TimerId deadline{};   // for that
    bool is_for_commands = false;    // and brings no streams
  };
  struct Waiting {  // a submit whose streams have not arrived yet
    ClientId client;
    protocol::Message message;
    std::string ticket;
    EventLoop::TimerId deadline{};
  };

  void receive();
  void handle(const ClientId& client, std::string_view payload);
  void say_hello(const ClientId& client, const protocol::Hello& hello);
  void submit(const ClientId& client, protocol::Message message, std::string ticket);
  bool try_submit(const ClientId& client, protocol::Message& message, const std::string& ticket);
  void accept_connection();
  void rest_from_accepting();
  void on_connection(std::uint64_t id, short events);
  [[nodiscard]] bool take(Connection& connection, protocol::Received received);
  void update_watch(Connection& connection);
  [[nodiscard]] bool take_streams(Connection& connection, protocol::Received received);

  EventLoop& loop_;
  zmq::context_t& context_;
  Listener& listener_;
  zmq::socket_t router_;
  zmq::socket_t publisher_;
  protocol::Fd streams_listener_;
  EventLoop::TimerId rest_timer_{};
  std::map<ClientId, bool> greeted_;
  std::deque<ClientId> greeted_order_;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<Waiting> waiting_;
  std::uint64_t next_connection_ = 1;
};

}  // namespace hearth::daemon
