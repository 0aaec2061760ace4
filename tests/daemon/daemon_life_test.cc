// Start, stop, and what stays in between.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>

#include "daemon_fixture.h"

namespace hearth::tests {
namespace {

using namespace hearth::protocol;
using testing::HasSubstr;
namespace fs = std::filesystem;

class DaemonLife : public DaemonFixture {};

TEST_F(DaemonLife, ends_when_it_is_told_to_and_leaves_nothing) { stop(); }

TEST_F(DaemonLife, leaves_nothing_when_it_has_warm_zygotes) {
  expect_that_it_serves();
  stop();
}

TEST_F(DaemonLife, tells_the_client_of_a_run_in_progress_that_it_was_stopped) {
  auto one = client();
  one->submit({"hang:session"});
  wait_until("it runs", [&] { return has_session(); });
  stop();
  const auto failed = one->receive_a<RunFailed>();
  ASSERT_TRUE(failed);
  EXPECT_THAT(failed->message, HasSubstr("hearthd was stopped"));
  EXPECT_TRUE(failed->may_have_begun);
}

TEST_F(DaemonLife, tells_the_client_of_a_run_that_is_being_built_that_it_was_stopped) {
  auto one = client();
  one->submit({"hang"});
  wait_until("it is built", [&] { return status().zygotes.size() == 5; });
  stop();
  const auto failed = one->receive_a<RunFailed>();
  ASSERT_TRUE(failed);
  EXPECT_THAT(failed->message, HasSubstr("hearthd was stopped"));
  EXPECT_FALSE(failed->may_have_begun);
}

TEST_F(DaemonLife, tells_a_plugins_controller_that_it_was_stopped) {
  auto one = client();
  one->submit_distribution({"hang:item"}, 2);
  ASSERT_TRUE(one->receive_a<DistributionOpened>());
  one->send(BeginDistribution{});
  ASSERT_TRUE(one->receive_a<ItemBegan>());
  stop();
  const auto finished = one->receive_a<DistributionFinished>();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->outcome, Outcome::failed);
  EXPECT_THAT(finished->message, HasSubstr("hearthd was stopped"));
}

TEST_F(DaemonLife, stops_while_workers_execute_items) {
  auto one = client();
  one->submit({"distributed", "hang:item"});
  wait_until("two items run", [&] { return processes_of_runs().size() == 3; });
  stop();
  EXPECT_TRUE(one->receive_a<RunFailed>());
}

TEST_F(DaemonLife, ends_with_SIGTERM_as_with_stop) {
  auto one = client();
  one->submit({"hang:session"});
  wait_until("it runs", [&] { return has_session(); });
  kill(daemon_, SIGTERM);
  int wait_status = -1;
  wait_until("it has ended", [&] { return waitpid(daemon_, &wait_status, WNOHANG) == daemon_; });
  daemon_ = 0;
  EXPECT_EQ(wait_status, 0);
  EXPECT_FALSE(fs::exists(endpoints_.directory));
}

TEST_F(DaemonLife, refuses_to_be_a_second_one) {
  EXPECT_THAT(start(), HasSubstr("another hearthd serves"));
  expect_that_it_serves();
}

TEST_F(DaemonLife, takes_over_what_a_killed_one_left) {
  expect_that_it_serves();
  kill_daemon();
  EXPECT_TRUE(fs::exists(endpoints_.streams()));
  ASSERT_EQ(start(), "ready\n");
  expect_that_it_serves();
}

TEST_F(DaemonLife, ends_when_its_runtime_directory_is_removed) {
  auto one = client();
  one->submit({"hang:session"});
  wait_until("it runs", [&] { return has_session(); });
  fs::remove_all(endpoints_.directory);
  const auto failed = one->receive_a<RunFailed>();
  ASSERT_TRUE(failed);
  EXPECT_THAT(failed->message, HasSubstr("its runtime directory was removed"));
  int wait_status = -1;
  wait_until("it has ended", [&] { return waitpid(daemon_, &wait_status, WNOHANG) == daemon_; });
  daemon_ = 0;
  EXPECT_EQ(wait_status, 0);
}

TEST_F(DaemonLife, leaves_the_directory_to_the_daemon_that_has_taken_its_place) {
  expect_that_it_serves();
  const auto first = daemon_;
  fs::rename(endpoints_.directory, directory_ + "/moved");
  ASSERT_EQ(start(), "ready\n");
  int wait_status = -1;
  wait_until("the first has ended", [&] { return waitpid(first, &wait_status, WNOHANG) == first; });
  EXPECT_EQ(wait_status, 0);
  expect_that_it_serves();
}

TEST_F(DaemonLife, begins_when_the_one_that_is_ending_has_ended) {
  // A test's process that was left to itself keeps the first busy for half a second.
  auto one = client();
  one->submit({"hang:session"});
  wait_until("it runs", [&] { return has_session(); });
  const auto first = daemon_;
  kill(first, SIGTERM);
  ASSERT_TRUE(one->receive_a<RunFailed>());
  EXPECT_EQ(start(), "ready\n");
  waitpid(first, nullptr, 0);
  expect_that_it_serves();
}

TEST_F(DaemonLife, refuses_a_runtime_directory_that_others_can_enter) {
  stop();
  fs::create_directory(endpoints_.directory);
  fs::permissions(endpoints_.directory, fs::perms(0755));
  EXPECT_THAT(start(), HasSubstr("has mode 755 instead of 700"));
  fs::remove(endpoints_.directory);
}

TEST_F(DaemonLife, does_not_stay_in_the_directory_in_which_it_was_started) {
  EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(daemon_) + "/cwd"), "/");
}

TEST_F(DaemonLife, keeps_no_descriptor_and_no_memory_of_runs_that_have_ended) {
  const auto run = [&](const std::vector<std::string>& args) {
    auto one = client();
    ASSERT_NE(one->submit(args), 0u);
    ASSERT_TRUE(one->receive_a<RunFinished>());
  };
  const auto run_some = [&](int count) {
    for (int i = 0; i < count; ++i) {
      run({"simple"});
      run({"refuse:selected"});
      run({"distributed"});
    }
    wait_until_idle();
  };
  run_some(20);
  const auto descriptors = open_descriptors();
  [[maybe_unused]] const auto memory = resident_kib();
  run_some(70);
  wait_until("descriptors are as before", [&] { return open_descriptors() <= descriptors; });
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these keep what is freed
  EXPECT_LT(resident_kib(), memory + 2048);
#endif
  EXPECT_EQ(status().interpreters_started, 1u);
  EXPECT_EQ(status().runs_finished, 270u);
}

}  // namespace
}  // namespace hearth::tests
