#include "protocol/channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "protocol/unix_socket.h"
#include "tests/protocol/allocations.h"
#include "tests/protocol/samples.h"

namespace hearth::protocol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Message> messages_of(const std::vector<Received>& received) {
  std::vector<Message> messages(received.size());
  std::transform(received.begin(), received.end(), messages.begin(),
                 [](const Received& one) { return one.message; });
  return messages;
}

std::vector<std::size_t> descriptor_counts(const std::vector<Received>& received) {
  std::vector<std::size_t> counts(received.size());
  std::transform(received.begin(), received.end(), counts.begin(),
                 [](const Received& one) { return one.descriptors.size(); });
  return counts;
}

ino_t inode(int fd) {
  struct stat found {};
  EXPECT_EQ(::fstat(fd, &found), 0);
  return found.st_ino;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

Fd temporary_file() { return Fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)); }

// A channel, and the bare socket of its peer.
class ChannelTest : public testing::Test {
 protected:
  ChannelTest() : ChannelTest(socket_pair().value()) {}

  void write_raw(std::string_view bytes) {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // One sendmsg() with these descriptors attached.
  void write_raw(std::string_view bytes, const std::vector<int>& descriptors) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(message), descriptors.data(), descriptors.size() * sizeof(int));
    ASSERT_EQ(::sendmsg(peer_.get(), &header, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  Channel channel_;
  Fd peer_;

 private:
  explicit ChannelTest(std::pair<Fd, Fd> ends)
      : channel_(std::move(ends.first)), peer_(std::move(ends.second)) {}
};

TEST_F(ChannelTest, returns_messages_in_the_order_in_which_they_were_sent) {
  Channel peer(std::move(peer_));
  for (const Message& message : handshake()) peer.send(message);
  EXPECT_EQ(messages_of(channel_.on_readable()), handshake());
  EXPECT_FALSE(peer.wants_write());
}

TEST_F(ChannelTest, returns_nothing_while_there_is_nothing) {
  EXPECT_THAT(channel_.on_readable(), IsEmpty());
  EXPECT_FALSE(channel_.closed());
}

TEST_F(ChannelTest, puts_frames_together_that_were_split_at_any_byte) {
  const std::string bytes = framed(handshake());
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    write_raw(std::string_view(bytes).substr(0, split));
    auto messages = messages_of(channel_.on_readable());
    write_raw(std::string_view(bytes).substr(split));
    for (Message& message : messages_of(channel_.on_readable()))
      messages.push_back(std::move(message));
    ASSERT_EQ(messages, handshake()) << "split at " << split;
  }
}

TEST_F(ChannelTest, puts_frames_together_that_came_byte_by_byte) {
  std::vector<Message> messages;
  for (const char byte : framed(handshake())) {
    write_raw({&byte, 1});
    for (Message& message : messages_of(channel_.on_readable()))
      messages.push_back(std::move(message));
  }
  EXPECT_EQ(messages, handshake());
}

TEST_F(ChannelTest, ends_without_an_error_when_the_peer_leaves_between_two_frames) {
  write_raw(framed({GetStatus{}}));
  peer_.reset();
  EXPECT_THAT(messages_of(channel_.on_readable()), ElementsAre(Message{GetStatus{}}));
  EXPECT_TRUE(channel_.closed());
  EXPECT_EQ(channel_.error(), "");
}

TEST_F(ChannelTest, ends_without_an_error_when_the_peer_leaves_with_something_unread) {
  channel_.send(GetStatus{});
  write_raw(framed({Stop{}}));
  peer_.reset();
  EXPECT_THAT(messages_of(channel_.on_readable()), ElementsAre(Message{Stop{}}));
  EXPECT_TRUE(channel_.closed());
  EXPECT_EQ(channel_.error(), "");
}

TEST_F(ChannelTest, still_reads_what_a_peer_wrote_that_does_not_read_any_more) {
  write_raw(framed({WorkerFinished{.exit_status = 1}}));
  peer_.reset();
  channel_.send(NoMoreItems{});
  channel_.send(NoMoreItems{});
  EXPECT_FALSE(channel_.closed());
  EXPECT_FALSE(channel_.wants_write());
  EXPECT_EQ(messages_of(channel_.on_readable()),
            std::vector<Message>{WorkerFinished{.exit_status = 1}});
  EXPECT_TRUE(channel_.closed());
}

TEST(Channel, says_for_every_truncation_of_a_handshake_whether_it_ended_within_a_frame) {
  const std::string bytes = framed(handshake());
  std::vector<std::size_t> ends = {0};
  for (const Message& message : handshake()) ends.push_back(ends.back() + framed({message}).size());
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    auto [near, far] = socket_pair().value();
    Channel channel(std::move(near));
    ASSERT_EQ(::send(far.get(), bytes.data(), length, 0), static_cast<ssize_t>(length));
    far.reset();
    const auto whole =
        std::count_if(ends.begin() + 1, ends.end(), [&](auto end) { return end <= length; });
    EXPECT_EQ(messages_of(channel.on_readable()).size(), static_cast<std::size_t>(whole));
    EXPECT_TRUE(channel.closed());
    const bool between = std::find(ends.begin(), ends.end(), length) != ends.end();
    EXPECT_EQ(channel.error(), between ? "" : "the stream ended in the middle of a frame")
        << length;
  }
}

TEST(Channel, survives_every_damaged_byte_of_a_handshake_without_believing_its_lengths) {
  const std::string bytes = framed(handshake());
  for (std::size_t position = 0; position < bytes.size(); ++position) {
    for (int value = 0; value < 256; value += position < 4 ? 1 : 17) {
      std::string damaged = bytes;
      damaged[position] = static_cast<char>(value);
      auto [near, far] = socket_pair().value();
      Channel channel(std::move(near));
      ASSERT_EQ(::send(far.get(), damaged.data(), damaged.size(), 0),
                static_cast<ssize_t>(damaged.size()));
      far.reset();
      largest_allocation = 0;
      const auto messages = messages_of(channel.on_readable());
      EXPECT_LE(largest_allocation, 256U * 1024);
      EXPECT_TRUE(channel.closed());
      EXPECT_LE(messages.size(), handshake().size());
      if (messages.size() < handshake().size()) {
        EXPECT_NE(channel.error(), "") << position << " " << value;
      }
    }
  }
}

TEST_F(ChannelTest, refuses_a_frame_that_is_larger_than_the_limit_when_it_sees_its_length) {
  write_raw(std::string("\x10\x00\x00\x01", 4));
  EXPECT_THAT(channel_.on_readable(), IsEmpty());
  EXPECT_TRUE(channel_.closed());
  EXPECT_EQ(channel_.error(), "a frame of 268435457 bytes is larger than a frame may be");
}

TEST_F(ChannelTest, allocates_for_what_has_come_and_not_for_what_was_announced) {
  write_raw(std::string("\x10\x00\x00\x00", 4) + std::string(100, 'x'));
  largest_allocation = 0;
  EXPECT_THAT(channel_.on_readable(), IsEmpty());
  EXPECT_FALSE(channel_.closed());
  EXPECT_LE(largest_allocation, 256U * 1024);
}

TEST_F(ChannelTest, refuses_to_send_what_no_peer_would_accept) {
  channel_.send(WorkerEvent{.event = std::string(limits::bytes_bytes, 'x')});
  EXPECT_TRUE(channel_.closed());
  EXPECT_EQ(channel_.error(), "worker_event is larger than a frame may be");
  EXPECT_EQ(channel_.queued_bytes(), 0U);
}

TEST_F(ChannelTest, closes_at_a_malformed_message_and_returns_those_before_it) {
  write_raw(framed({GetStatus{}}) + std::string("\x00\x00\x00\x01\xc1", 5) + framed({Stop{}}));
  EXPECT_THAT(messages_of(channel_.on_readable()), ElementsAre(Message{GetStatus{}}));
  EXPECT_TRUE(channel_.closed());
  EXPECT_THAT(channel_.error(), HasSubstr("malformed message"));
  channel_.send(Stop{});
  EXPECT_FALSE(channel_.wants_write());
}

TEST_F(ChannelTest, keeps_what_a_slow_reader_has_not_taken_and_sends_it_later) {
  std::vector<Message> sent;
  for (std::uint64_t i = 0; i < 200; ++i) {
    sent.push_back(ItemFinished{.item = i, .reports = std::string(i % 7 == 0 ? 100'000 : 10, 'r')});
    channel_.send(sent.back());
  }
  EXPECT_TRUE(channel_.wants_write());
  const std::size_t queued = channel_.queued_bytes();
  EXPECT_GT(queued, 1'000'000U);

  Channel peer(std::move(peer_));
  std::vector<Message> received = messages_of(peer.on_readable());
  EXPECT_LT(received.size(), sent.size());
  while (channel_.wants_write()) {
    channel_.on_writable();
    const auto more = messages_of(peer.on_readable());
    received.insert(received.end(), more.begin(), more.end());
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ(channel_.queued_bytes(), 0U);
}

TEST_F(ChannelTest, sends_what_was_queued_when_it_is_flushed) {
  Channel peer(std::move(peer_));
  for (const Message& message : handshake()) peer.enqueue(message);
  EXPECT_EQ(peer.queued_bytes(), framed(handshake()).size());
  EXPECT_THAT(channel_.on_readable(), IsEmpty());
  peer.flush();
  EXPECT_EQ(messages_of(channel_.on_readable()), handshake());
}

TEST_F(ChannelTest, passes_descriptors_that_are_closed_on_exec) {
  Channel peer(std::move(peer_));
  std::vector<Fd> descriptors;
  descriptors.push_back(temporary_file());
  descriptors.push_back(temporary_file());
  const std::vector<ino_t> inodes = {inode(descriptors[0].get()), inode(descriptors[1].get())};
  peer.send(Retire{}, std::move(descriptors));

  const auto received = channel_.on_readable();
  ASSERT_THAT(descriptor_counts(received), ElementsAre(2U));
  for (std::size_t i = 0; i < inodes.size(); ++i) {
    EXPECT_EQ(inode(received[0].descriptors[i].get()), inodes[i]);
    EXPECT_TRUE(::fcntl(received[0].descriptors[i].get(), F_GETFD) & FD_CLOEXEC);
  }
}

TEST_F(ChannelTest, gives_descriptors_to_the_frame_with_which_they_were_sent) {
  Channel peer(std::move(peer_));
  const auto one_file = [] {
    std::vector<Fd> descriptors;
    descriptors.push_back(temporary_file());
    return descriptors;
  };
  peer.enqueue(Pause{});
  peer.enqueue(Retire{}, one_file());
  peer.enqueue(Resume{});
  peer.enqueue(StageFailed{.message = std::string(1'000, 'x')}, one_file());
  peer.enqueue(Pause{});
  peer.flush();
  EXPECT_THAT(descriptor_counts(channel_.on_readable()), ElementsAre(0U, 1U, 0U, 1U, 0U));
}

TEST_F(ChannelTest, gives_descriptors_to_a_frame_that_the_socket_takes_only_in_parts) {
  Channel peer(std::move(peer_));
  peer.enqueue(WorkerEvent{.event = std::string(150'000, 'a')});
  std::vector<Fd> descriptors;
  descriptors.push_back(temporary_file());
  peer.enqueue(WorkerEvent{.event = std::string(1'000'000, 'b')}, std::move(descriptors));
  peer.enqueue(WorkerEvent{.event = std::string(300'000, 'c')});
  std::vector<std::size_t> counts;
  std::vector<std::size_t> sizes;
  while (sizes.size() < 3 && !channel_.closed()) {
    peer.flush();
    for (const Received& one : channel_.on_readable()) {
      counts.push_back(one.descriptors.size());
      sizes.push_back(std::get<WorkerEvent>(one.message).event.size());
    }
  }
  EXPECT_THAT(counts, ElementsAre(0U, 1U, 0U));
  EXPECT_THAT(sizes, ElementsAre(150'000U, 1'000'000U, 300'000U));
}

TEST_F(ChannelTest, keeps_descriptors_until_their_frame_is_complete_wherever_it_was_split) {
  const std::string bytes = framed({Hello{.protocol = 1, .features = {}, .version = "x"}});
  const Fd file = temporary_file();
  for (std::size_t split = 1; split < bytes.size(); ++split) {
    write_raw(framed({Pause{}}));
    write_raw(std::string_view(bytes).substr(0, split), {file.get()});
    EXPECT_THAT(descriptor_counts(channel_.on_readable()), ElementsAre(0U));
    write_raw(bytes.substr(split) + framed({Resume{}}));
    EXPECT_THAT(descriptor_counts(channel_.on_readable()), ElementsAre(1U, 0U)) << split;
  }
}

TEST_F(ChannelTest, refuses_more_descriptors_than_the_limit_and_closes_them) {
  const Fd file = temporary_file();
  const std::size_t before = open_descriptors();
  write_raw(framed({Retire{}}), std::vector<int>(limits::descriptors + 1, file.get()));
  EXPECT_THAT(channel_.on_readable(), IsEmpty());
  EXPECT_TRUE(channel_.closed());
  EXPECT_THAT(channel_.error(), HasSubstr("more descriptors"));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChannelTest, refuses_more_descriptors_than_the_limit_that_come_in_parts_of_one_frame) {
  const std::string bytes = framed({Retire{}});
  const Fd file = temporary_file();
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 2; ++i) {
    write_raw(std::string_view(bytes).substr(static_cast<std::size_t>(i), 1),
              std::vector<int>(limits::descriptors / 2 + 1, file.get()));
  }
  EXPECT_THAT(channel_.on_readable(), IsEmpty());
  EXPECT_THAT(channel_.error(), HasSubstr("more descriptors"));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChannelTest, refuses_to_send_more_descriptors_than_the_limit) {
  std::vector<Fd> descriptors;
  for (std::size_t i = 0; i <= limits::descriptors; ++i) descriptors.push_back(temporary_file());
  channel_.send(Retire{}, std::move(descriptors));
  EXPECT_TRUE(channel_.closed());
  EXPECT_EQ(channel_.error(), "retire has more descriptors than a frame may carry");
}

TEST_F(ChannelTest, passes_as_many_descriptors_as_the_limit_allows) {
  Channel peer(std::move(peer_));
  std::vector<Fd> descriptors;
  for (std::size_t i = 0; i < limits::descriptors; ++i) descriptors.push_back(temporary_file());
  peer.send(Retire{}, std::move(descriptors));
  EXPECT_THAT(descriptor_counts(channel_.on_readable()), ElementsAre(limits::descriptors));
}

TEST_F(ChannelTest, closes_the_descriptors_of_a_message_that_never_arrived_whole) {
  const Fd file = temporary_file();
  const std::size_t before = open_descriptors();
  write_raw(std::string("\x00\x00\x00", 3), {file.get()});
  peer_.reset();
  EXPECT_THAT(channel_.on_readable(), IsEmpty());
  EXPECT_TRUE(channel_.closed());
  EXPECT_EQ(open_descriptors(), before - 1);  // the peer's socket
}

}  // namespace
}  // namespace hearth::protocol
