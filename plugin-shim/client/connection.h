// One conversation with a running daemon: ZeroMQ for messages, and a Unix socket that carries
// standard streams and tells each side of the other's death (ZeroMQ can do neither).
//
// Used by one thread. Times are steady-clock time points. A Failure of kind `lost` or `refused`
// ends the conversation.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "plugin-shim/client/failure.h"
#include "protocol/endpoints.h"
#include "protocol/fd.h"
#include "protocol/messages.gen.h"

namespace hearth::client {

using Clock = std::chrono::steady_clock;

// What receive() came back with, when not with a failure.
enum class Wake {
  message,  // the message is in the output argument
  other,    // the caller's own descriptor is readable, or a signal handler ran
  timeout,
};

// Which of descriptors 0, 1 and 2 are open. To be asked before anything else is opened, which could
// get one of their numbers.
using OpenStreams = std::array<bool, 3>;
OpenStreams open_streams();

class Connection {
 public:
  // Connects and says hello; does not wait for the answer. Kind `no_daemon` when nobody listens.
  static tl::expected<Connection, Failure> open(const protocol::Endpoints& endpoints);

  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // Waits for the answer to hello and checks that both sides can work together. Call once, first.
  tl::expected<protocol::Welcome, Failure> greet(Clock::time_point until);

  // Hands over those of descriptors 0, 1 and 2 of this process that were open, and returns the
  // ticket that names them.
  tl::expected<std::string, Failure> send_streams(const OpenStreams& open);

  void send(const protocol::Message& message) { send_bytes(protocol_bytes(message)); }
  void send_bytes(std::string_view payload);

  // The next message, undecoded, into `payload`. `other_fd` (-1: none) is a descriptor whose
  // readability ends the wait. What the daemon sent before it died is still received.
  tl::expected<Wake, Failure> receive_bytes(std::string& payload, Clock::time_point until,
                                            int other_fd = -1);
  // The same, decoded; a message that cannot be is a failure. `refused` from the daemon is one too.
  tl::expected<Wake, Failure> receive(protocol::Message& message, Clock::time_point until,
                                      int other_fd = -1);

  // Waits until the daemon has closed its side: it is ending. False: not by then.
  bool wait_until_closed(Clock::time_point until);

  // The daemon's process, by the socket's credentials.
  std::uint64_t daemon_pid() const;

 private:
  struct Parts;
  explicit Connection(std::unique_ptr<Parts> parts);
  static std::string protocol_bytes(const protocol::Message& message);
  bool take_message(std::string& payload);
  Failure lost() const;

  std::unique_ptr<Parts> parts_;
};

}  // namespace hearth::client
