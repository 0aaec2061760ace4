// Any bytes: refused with a reason, or a message that survives a round trip and is not larger than
// its bytes. Also read as a stream of frames.
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/channel.h"
#include "protocol/codec.h"
#include "protocol/unix_socket.h"

namespace {

using namespace hearth::protocol;

void check(bool holds) {
  if (!holds) std::abort();
}

void read_as_message(std::string_view bytes) {
  const auto message = decode(bytes);
  if (!message) return check(!message.error().message.empty());
  const std::string again = encode(*message);
  check(again.size() <= bytes.size());
  const auto second = decode(again);
  check(second.has_value() && encode(*second) == again);
}

void read_as_frames(std::string_view bytes) {
  auto ends = socket_pair();
  if (!ends) return;
  Channel channel(std::move(ends->first));
  const ssize_t sent =
      ::send(ends->second.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ends->second.reset();
  const auto received = channel.on_readable();
  check(channel.closed());
  check(received.size() * 5 <= (sent < 0 ? 0 : static_cast<std::size_t>(sent)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_as_message(bytes);
  read_as_frames(bytes);
  return 0;
}
