#include "test_client.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "daemon/linux.h"
#include "protocol/codec.h"
#include "protocol/unix_socket.h"

namespace hearth::tests {
namespace {

using namespace hearth::protocol;

constexpr auto patience = std::chrono::seconds(20);

}  // namespace

ProcessSpec fake_spec(std::vector<std::string> args) {
  ProcessSpec spec;
  spec.python = FAKE_ZYGOTE;
  spec.args = std::move(args);
  spec.directory = "/";
  spec.environment = {"A=1"};
  spec.umask = 022;
  return spec;
}

TestClient::TestClient(const Endpoints& endpoints)
    : endpoints_(endpoints), socket_(context_, zmq::socket_type::dealer) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.connect(endpoints.clients());
}

void TestClient::die() {
  streams_.reset();
  socket_.close();
}

void TestClient::send(const Message& message) { send_bytes(encode(message)); }

void TestClient::send_bytes(const std::string& bytes) { send_frames({bytes}); }

void TestClient::send_frames(const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    socket_.send(zmq::buffer(frames[i]),
                 i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

std::optional<Message> TestClient::receive() {
  zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
  if (zmq::poll(&item, 1, patience) == 0) return std::nullopt;
  zmq::message_t frame;
  if (!socket_.recv(frame)) return std::nullopt;
  auto message = decode(frame.to_string_view());
  if (!message) return std::nullopt;
  return std::move(*message);
}

void TestClient::greet() {
  send(Hello{protocol_version, {}, "test"});
  receive_a<Welcome>();
}

std::string TestClient::next_ticket() {
  // Of this object and this time.
  std::string ticket = std::to_string(reinterpret_cast<std::uintptr_t>(this)) + "/" +
                       std::to_string(getpid()) + "/" + std::to_string(++tickets_);
  return ticket;
}

void TestClient::attach(const std::string& ticket) {
  auto socket = connect_unix(endpoints_.streams());
  if (!socket) return;
  streams_.emplace(std::move(*socket));
  out_ = std::move(*daemon::anonymous_file("out"));
  std::vector<Fd> descriptors;
  for (int i = 0; i < 3; ++i) descriptors.push_back(out_.duplicate());
  streams_->send(Streams{ticket, {true, true, true}}, std::move(descriptors));
}

std::uint64_t TestClient::accepted() {
  while (auto message = receive()) {
    if (const auto* run = std::get_if<RunAccepted>(&*message)) return run->run;
    if (std::holds_alternative<Refused>(*message)) return 0;
  }
  return 0;
}

std::uint64_t TestClient::submit_spec(const ProcessSpec& spec, bool wants_trace, bool wants_waits) {
  const auto ticket = next_ticket();
  attach(ticket);
  greet();
  send(SubmitRun{ticket, spec, wants_trace, wants_waits});
  return accepted();
}

std::uint64_t TestClient::submit(const std::vector<std::string>& args) {
  return submit_spec(fake_spec(args));
}

std::uint64_t TestClient::submit_distribution(const std::vector<std::string>& args,
                                              std::uint64_t workers) {
  const auto ticket = next_ticket();
  attach(ticket);
  greet();
  Distribution wish;
  wish.workers = workers;
  wish.policy = "load";
  wish.max_worker_restarts = -1;
  wish.testrun = std::string(32, '0');
  send(SubmitDistribution{ticket, fake_spec(args), wish});
  return accepted();
}

std::string TestClient::output() const { return daemon::contents(out_); }

Status TestClient::status() {
  greet();
  send(GetStatus{});
  return receive_a<Status>().value_or(Status{});
}

}  // namespace hearth::tests
