// A client of hearthd for tests: says what it is told to, on both sockets, and waits with a
// deadline for what it hears.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>
#include <zmq.hpp>

#include "protocol/channel.h"
#include "protocol/endpoints.h"

namespace hearth::tests {

// Python is the fake zygote, the directory is /.
protocol::ProcessSpec fake_spec(std::vector<std::string> args);

class TestClient {
 public:
  explicit TestClient(const protocol::Endpoints& endpoints);
  ~TestClient() { die(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void send(const protocol::Message& message);
  void send_bytes(const std::string& bytes);
  void send_frames(const std::vector<std::string>& frames);

  // The next message; none within twenty seconds: nothing.
  std::optional<protocol::Message> receive();
  // Skips others.
  template <typename Type>
  std::optional<Type> receive_a() {
    while (auto message = receive()) {
      if (auto* wanted = std::get_if<Type>(&*message)) return std::move(*wanted);
    }
    return std::nullopt;
  }

  void greet();
  // Opens the streams connection: standard output and error are files in memory.
  void attach(const std::string& ticket);
  // All at once; returns the number of the run, 0 when it was refused.
  std::uint64_t submit(const std::vector<std::string>& args);
  std::uint64_t submit_spec(const protocol::ProcessSpec& spec, bool wants_trace = false,
                            bool wants_waits = false);
  std::uint64_t submit_distribution(const std::vector<std::string>& args, std::uint64_t workers);
  std::string output() const;
  protocol::Status status();

  // As the kernel does when its process is killed.
  void die();
  void close_streams() { streams_.reset(); }

 private:
  std::uint64_t accepted();
  std::string next_ticket();

  protocol::Endpoints endpoints_;
  zmq::context_t context_{1};
  zmq::socket_t socket_;
  std::optional<protocol::Channel> streams_;
  protocol::Fd out_;
  int tickets_ = 0;
};

}  // namespace hearth::tests
