// What a daemon must survive from its clients: whatever bytes there are.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "daemon_fixture.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/unix_socket.h"

namespace hearth::tests {
namespace {

using namespace hearth::protocol;
using testing::HasSubstr;

class DaemonInput : public DaemonFixture {
 protected:
  // What it answers to a submit of this command.
  std::string refusal(ProcessSpec spec) {
    auto one = client();
    one->attach("ticket");
    one->greet();
    one->send(SubmitRun{"ticket", std::move(spec)});
    const auto answer = one->receive_a<Refused>();
    return answer ? answer->message : "it was not refused";
  }

  static std::vector<std::string> golden() {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(GOLDEN_VECTORS)) {
      if (entry.path().extension() != ".bin") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      all.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  // Bytes to a streams connection of their own, which the daemon closes or keeps as it likes.
  void pour(const std::string& bytes) {
    auto socket = connect_unix(endpoints_.streams());
    ASSERT_TRUE(socket);
    ::send(socket->get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    poured_.push_back(std::move(*socket));
    if (poured_.size() > 64) poured_.clear();
  }

  std::vector<Fd> poured_;
};

std::string framed(const std::string& payload) {
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8)
    frame += static_cast<char>(payload.size() >> shift & 0xff);
  return frame + payload;
}

std::string mutated(std::string bytes, std::mt19937& random) {
  const auto any = [&](std::size_t limit) { return random() % std::max<std::size_t>(limit, 1); };
  for (auto count = any(4) + 1; count > 0 && !bytes.empty(); --count) {
    switch (any(4)) {
      case 0:
        bytes[any(bytes.size())] = static_cast<char>(random());
        break;
      case 1:
        bytes.resize(any(bytes.size()));
        break;
      case 2:
        bytes.insert(any(bytes.size()), 1, static_cast<char>(random()));
        break;
      default:
        bytes += bytes.substr(any(bytes.size()));
    }
  }
  return bytes;
}

TEST_F(DaemonInput, is_survived_whatever_a_greeted_client_sends) {
  std::mt19937 random(20240501);
  const auto vectors = golden();
  ASSERT_GT(vectors.size(), 30u);
  const auto stop_message = encode(Stop{});
  for (int round = 0; round < 40; ++round) {
    auto one = client();
    one->greet();
    for (const auto& vector : vectors) {
      const auto bytes = mutated(vector, random);
      const auto meaning = decode(bytes);
      if (meaning && std::holds_alternative<Stop>(*meaning)) continue;
      one->send_bytes(bytes);
      pour(framed(mutated(vector, random)));
      pour(mutated(framed(vector), random));
    }
    ASSERT_TRUE(is_running());
  }
  poured_.clear();
  expect_that_it_serves();
}

TEST_F(DaemonInput, that_is_random_is_survived_on_both_sockets) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(random() % 200, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    auto one = client();
    one->send_bytes(bytes);
    pour(bytes);
    pour(framed(bytes));
  }
  poured_.clear();
  expect_that_it_serves();
}

TEST_F(DaemonInput, that_is_malformed_is_answered) {
  auto one = client();
  one->greet();
  one->send_bytes("\xc1");
  EXPECT_THAT(one->receive_a<Refused>().value_or(Refused{}).message, HasSubstr("malformed"));
  one->send_bytes("");
  EXPECT_THAT(one->receive_a<Refused>().value_or(Refused{}).message, HasSubstr("malformed"));
  one->send_frames({"a", "b"});
  EXPECT_THAT(one->receive_a<Refused>().value_or(Refused{}).message, HasSubstr("one frame"));
}

TEST_F(DaemonInput, must_begin_with_hello) {
  auto one = client();
  one->send(GetStatus{});
  EXPECT_THAT(one->receive_a<Refused>().value_or(Refused{}).message, HasSubstr("hello"));
}

TEST_F(DaemonInput, of_another_protocol_version_is_refused_with_what_to_do) {
  auto one = client();
  one->send(Hello{protocol_version + 1, {}, "9.9"});
  const auto refused = one->receive_a<Refused>();
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->message, HasSubstr("the client is 9.9"));
  EXPECT_THAT(refused->message, HasSubstr("`hearth stop`"));
}

TEST_F(DaemonInput, that_only_a_daemon_says_is_refused) {
  auto one = client();
  one->greet();
  one->send(RunAccepted{1});
  EXPECT_THAT(one->receive_a<Refused>().value_or(Refused{}).message, HasSubstr("run_accepted"));
}

TEST_F(DaemonInput, that_is_about_no_run_is_ignored) {
  auto one = client();
  one->send(SignalRun{1, 9});
  one->send(BeginDistribution{});
  one->send(CancelDistribution{});
  one->greet();
  one->send(GetStatus{});
  EXPECT_TRUE(one->receive_a<Status>());
}

TEST_F(DaemonInput, may_bring_the_streams_after_the_submit) {
  auto one = client();
  one->greet();
  one->send(SubmitRun{"late", fake_spec({})});
  one->send(GetStatus{});
  ASSERT_TRUE(one->receive_a<Status>());
  one->attach("late");
  EXPECT_TRUE(one->receive_a<RunFinished>());
}

TEST_F(DaemonInput, may_use_a_ticket_once) {
  auto one = client();
  one->attach("once");
  one->greet();
  one->send(SubmitRun{"once", fake_spec({})});
  ASSERT_TRUE(one->receive_a<RunFinished>());
  one->send(SubmitRun{"once", fake_spec({})});
  EXPECT_THAT(one->receive_a<Refused>().value_or(Refused{}).message, HasSubstr("did not arrive"));
}

TEST_F(DaemonInput, of_two_submits_with_one_ticket_serves_one) {
  auto one = client();
  auto other = client();
  one->greet();
  other->greet();
  one->send(SubmitRun{"same", fake_spec({})});
  one->send(GetStatus{});
  ASSERT_TRUE(one->receive_a<Status>());
  other->send(SubmitRun{"same", fake_spec({})});
  other->send(GetStatus{});
  ASSERT_TRUE(other->receive_a<Status>());
  one->attach("same");
  EXPECT_TRUE(one->receive_a<RunFinished>());
  EXPECT_TRUE(other->receive_a<Refused>());
}

TEST_F(DaemonInput, without_a_ticket_takes_nobodys_streams) {
  auto one = client();
  one->greet();
  one->send(SubmitRun{"", fake_spec({})});
  pour("x");  // a connection that has not said its ticket
  EXPECT_THAT(one->receive_a<Refused>().value_or(Refused{}).message, HasSubstr("did not arrive"));
}

TEST_F(DaemonInput, of_a_second_run_of_one_client_is_refused) {
  auto one = client();
  ASSERT_NE(one->submit({"hang:session"}), 0u);
  auto other = client();
  other->attach("second");
  one->send(SubmitRun{"second", fake_spec({})});
  EXPECT_THAT(one->receive_a<Refused>().value_or(Refused{}).message, HasSubstr("has a run"));
}

TEST_F(DaemonInput, of_a_command_that_cannot_be_run_says_what_is_wrong) {
  auto spec = fake_spec({});
  spec.python = "";
  EXPECT_THAT(refusal(spec), HasSubstr("no python"));
  spec.python = "bin/python";
  EXPECT_THAT(refusal(spec), HasSubstr("no python"));
  spec = fake_spec({});
  spec.directory = "tmp";
  EXPECT_THAT(refusal(spec), HasSubstr("directory"));
  spec.directory = "/proc/nonexistent";  // where nobody can make one
  EXPECT_THAT(refusal(spec), HasSubstr("is gone"));
  spec = fake_spec({});
  spec.script = "/nonexistent/pytest";
  EXPECT_THAT(refusal(spec), HasSubstr("cannot be read"));
  spec = fake_spec({});
  spec.umask = 01000;
  EXPECT_THAT(refusal(spec), HasSubstr("umask"));
}

TEST_F(DaemonInput, with_a_zero_byte_in_the_command_is_refused) {
  const std::string zero("a\0b", 3);
  for (auto part : {&ProcessSpec::python, &ProcessSpec::script, &ProcessSpec::directory}) {
    auto spec = fake_spec({});
    spec.*part += zero;
    EXPECT_THAT(refusal(spec), HasSubstr("zero byte"));
  }
  for (auto part : {&ProcessSpec::args, &ProcessSpec::environment, &ProcessSpec::sys_path}) {
    auto spec = fake_spec({});
    (spec.*part).push_back("A=" + zero);
    EXPECT_THAT(refusal(spec), HasSubstr("zero byte"));
  }
}

TEST_F(DaemonInput, may_have_environment_entries_without_a_sign_or_a_name) {
  auto spec = fake_spec({"simple"});
  spec.environment = {"_", "NOSIGN", "", "=", "=x", "A=1"};
  auto one = client();
  ASSERT_NE(one->submit_spec(spec), 0u);
  EXPECT_TRUE(one->receive_a<RunFinished>());
}

TEST_F(DaemonInput, that_stops_in_the_middle_of_a_frame_holds_nobody_up) {
  pour(framed(encode(Streams{"x", {true, true, true}})).substr(0, 7));
  expect_that_it_serves();
}

TEST_F(DaemonInput, leaves_no_connection_behind) {
  status();  // the observer's own connection counts too
  const auto before = open_descriptors();
  for (int i = 0; i < 50; ++i) {
    pour("");
    pour(framed(encode(Streams{"t" + std::to_string(i), {false, false, false}})));
  }
  poured_.clear();
  wait_until("they are closed", [&] { return open_descriptors() <= before; });
}

}  // namespace
}  // namespace hearth::tests
