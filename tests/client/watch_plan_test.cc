#include "plugin-shim/launcher/watch_plan.h"

#include <gtest/gtest.h>

namespace hearth::launcher {
namespace {

constexpr int exited(int code) { return code << 8; }
constexpr int kPassed = exited(0);
constexpr int kFailed = exited(1);
constexpr int kUsageError = exited(4);
constexpr int kNoTests = exited(5);
constexpr int kCrashed = 11;

class WatchPlanTest : public testing::Test {
 protected:
  std::optional<Scope> ended(Scope scope, int status) {
    return plan_.run_ended(scope, status, false);
  }

  WatchPlan plan_;
};

TEST_F(WatchPlanTest, runs_the_whole_after_a_change_as_long_as_it_passes) {
  EXPECT_EQ(ended(Scope::all, kPassed), std::nullopt);
  EXPECT_EQ(plan_.on_change(), Scope::all);
}

TEST_F(WatchPlanTest, runs_what_failed_alone_until_it_passes_and_then_the_whole_at_once) {
  EXPECT_EQ(ended(Scope::all, kFailed), std::nullopt);
  EXPECT_EQ(plan_.on_change(), Scope::failed);
  EXPECT_EQ(ended(Scope::failed, kFailed), std::nullopt);
  EXPECT_EQ(plan_.on_change(), Scope::failed);
  EXPECT_EQ(ended(Scope::failed, kPassed), Scope::all);
}

TEST_F(WatchPlanTest, takes_a_file_that_cannot_be_collected_for_a_failure) {
  ended(Scope::all, exited(2));
  EXPECT_EQ(plan_.on_change(), Scope::failed);
}

TEST_F(WatchPlanTest, learns_nothing_from_a_run_that_the_user_interrupted) {
  ended(Scope::all, kFailed);
  EXPECT_EQ(plan_.run_ended(Scope::all, exited(2), true), std::nullopt);
  EXPECT_EQ(plan_.on_change(), Scope::failed);
}

TEST_F(WatchPlanTest, runs_the_whole_when_the_tests_that_failed_are_gone) {
  ended(Scope::all, kFailed);
  EXPECT_EQ(ended(Scope::failed, kNoTests), Scope::all);
  EXPECT_FALSE(plan_.failed_was_refused());
}

TEST_F(WatchPlanTest, runs_the_whole_after_a_run_that_crashed) {
  ended(Scope::all, kCrashed);
  EXPECT_EQ(plan_.on_change(), Scope::all);
}

TEST_F(WatchPlanTest, never_again_runs_what_failed_alone_where_pytest_cannot) {
  ended(Scope::all, kFailed);
  EXPECT_EQ(ended(Scope::failed, kUsageError), Scope::all);
  EXPECT_TRUE(plan_.failed_was_refused());
  EXPECT_EQ(ended(Scope::all, kFailed), std::nullopt);
  EXPECT_EQ(plan_.on_change(), Scope::all);
}

TEST_F(WatchPlanTest, goes_on_with_what_failed_after_an_error_of_the_users_own) {
  ended(Scope::all, kFailed);
  EXPECT_EQ(ended(Scope::failed, kUsageError), Scope::all);
  ended(Scope::all, kUsageError);
  ended(Scope::all, kFailed);
  EXPECT_EQ(plan_.on_change(), Scope::failed);
}

}  // namespace
}  // namespace hearth::launcher
