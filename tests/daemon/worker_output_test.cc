#include "daemon/worker_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace hearth::daemon {
namespace {

using testing::ElementsAre;

class WorkerOutputTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(writer_ = output_.open()); }

  void write(const std::string& text) {
    ASSERT_EQ(::write(writer_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  EventLoop loop_;
  bool can_take_ = true;
  std::vector<std::string> handed_on_;
  WorkerOutput output_{loop_, [this] { return can_take_; },
                       [this](std::string lines) { handed_on_.push_back(std::move(lines)); }};
  protocol::Fd writer_;
};

TEST_F(WorkerOutputTest, hands_on_whole_lines) {
  write("one\ntw");
  loop_.run_for_one_round();
  write("o\n");
  loop_.run_for_one_round();
  EXPECT_THAT(handed_on_, ElementsAre("one\n", "two\n"));
}

TEST_F(WorkerOutputTest, ends_the_last_line_when_the_writer_is_gone) {
  write("one\ntwo");
  output_.finish();
  EXPECT_THAT(handed_on_, ElementsAre("one\n", "two\n"));
}

TEST_F(WorkerOutputTest, holds_the_writer_up_while_there_is_no_room) {
  can_take_ = false;
  write("one\n");
  loop_.run_for_one_round();
  EXPECT_THAT(handed_on_, ElementsAre());
  output_.read();  // the owner knows that there is room
  can_take_ = true;
  write("two\n");
  loop_.run_for_one_round();
  EXPECT_THAT(handed_on_, ElementsAre("one\n", "two\n"));
}

TEST_F(WorkerOutputTest, its_writer_finds_an_ordinary_pipe) {
  EXPECT_EQ(fcntl(writer_.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(fcntl(writer_.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(WorkerOutputTest, breaks_a_line_that_never_ends) {
  const std::string piece(60'000, 'x');
  for (int i = 0; i < 20; ++i) {
    write(piece);
    output_.read();
  }
  ASSERT_FALSE(handed_on_.empty());
  EXPECT_EQ(handed_on_.front().back(), '\n');
}

}  // namespace
}  // namespace hearth::daemon
