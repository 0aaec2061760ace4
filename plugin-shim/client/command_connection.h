// A conversation with the daemon about commands that it may execute warm: one connection to its
// streams socket, for all of them, and no ZeroMQ.
//
// Nothing here waits but open(): poll fd() and take what has come. When the connection closes, the
// daemon ends what still runs; when it is lost, what was started may have been executed.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "plugin-shim/client/failure.h"
#include "protocol/channel.h"
#include "protocol/endpoints.h"

namespace hearth::client {

class CommandConnection {
 public:
  // Connects and says what the commands have in common; does not wait for the answer. Kind
  // `no_daemon` when nobody listens.
  static tl::expected<CommandConnection, Failure> open(const protocol::Endpoints& endpoints,
                                                       protocol::ProcessSpec spec);

  // `descriptors`: to be attached, in the order of `order.descriptors`. They are closed here.
  void start(protocol::StartCommand order, std::vector<protocol::Fd> descriptors) {
    channel_.send(std::move(order), std::move(descriptors));
  }
  void signal(std::uint64_t number, int signal, bool whole_tree) {
    channel_.send(protocol::SignalCommand{number, static_cast<std::uint64_t>(signal), whole_tree});
  }
  // See the messages of these names.
  void want_slots(std::uint64_t slots) { channel_.send(protocol::WantSlots{slots}); }
  void return_slots(std::uint64_t slots) { channel_.send(protocol::ReturnSlots{slots}); }

  int fd() const { return channel_.fd(); }
  bool wants_write() const { return channel_.wants_write(); }
  void on_writable() { channel_.on_writable(); }

  using Answer =
      std::variant<protocol::CommandRefused, protocol::CommandExited, protocol::CommandWithdrawn,
                   protocol::LendSlots, protocol::AskBackSlot>;
  // What has come, without waiting. An error ends the conversation.
  tl::expected<std::vector<Answer>, Failure> take();

  pid_t daemon_pid() const { return daemon_; }

 private:
  CommandConnection(protocol::Channel channel, pid_t daemon)
      : channel_(std::move(channel)), daemon_(daemon) {}

  protocol::Channel channel_;
  pid_t daemon_;
};

}  // namespace hearth::client
