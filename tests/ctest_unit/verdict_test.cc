#include "plugin-shim/ctest/verdict.h"

#include <gtest/gtest.h>

#include <csignal>

namespace hearth::ctest {
namespace {

constexpr int exited(int code) { return code << 8; }

Verdict verdict(const ctest::Test& test, int wait_status, const std::string& output = {}) {
  Expressions expressions;
  return judge(test, ending_of(wait_status), output, expressions);
}

TEST(Verdict, of_an_exit_code) {
  EXPECT_EQ(verdict({}, exited(0)).shown, "   Passed  ");
  EXPECT_EQ(verdict({}, exited(3)).status, Status::failed);
  ctest::Test failing;
  failing.will_fail = true;
  EXPECT_EQ(verdict(failing, exited(0)).status, Status::failed);
  EXPECT_EQ(verdict(failing, exited(1)).status, Status::completed);
}

TEST(Verdict, does_not_look_at_the_code_where_an_expression_is_to_match) {
  ctest::Test test;
  test.pass_expressions = {"yes", "sure"};
  EXPECT_EQ(verdict(test, exited(1), "sure\n").status, Status::completed);
  const Verdict failed = verdict(test, exited(0), "no\n");
  EXPECT_EQ(failed.status, Status::failed);
  EXPECT_EQ(failed.shown, "***Failed  Required regular expression not found. Regex=[yes\nsure\n]");
}

TEST(Verdict, of_an_expression_that_means_failure_beats_one_that_means_success) {
  ctest::Test test;
  test.pass_expressions = {"ok"};
  test.fail_expressions = {"panic"};
  EXPECT_EQ(verdict(test, exited(0), "ok panic").shown,
            "***Failed  Error regular expression found in output. Regex=[panic]");
}

TEST(Verdict, of_a_skip_beats_failure) {
  ctest::Test test;
  test.skip_return_code = 77;
  EXPECT_EQ(verdict(test, exited(77)).completion, "SKIP_RETURN_CODE=77");
  test.skip_expressions = {"skipped"};
  const Verdict skipped = verdict(test, exited(1), "skipped");
  EXPECT_TRUE(skipped.is_skipped);
  EXPECT_TRUE(skipped.is_passed());
  EXPECT_EQ(skipped.completion, "SKIP_REGULAR_EXPRESSION_MATCHED");
}

TEST(Verdict, of_a_signal_beats_everything_else) {
  ctest::Test test;
  test.will_fail = true;
  test.skip_expressions = {"skipped"};
  EXPECT_EQ(verdict(test, SIGSEGV, "skipped").shown, "***Exception: SegFault");
  EXPECT_EQ(verdict(test, SIGABRT).shown, "Subprocess aborted***Exception: ");
  EXPECT_EQ(name_of(verdict(test, SIGABRT)), "Subprocess aborted");
  EXPECT_EQ(name_of(verdict(test, SIGUSR1)), "SIGUSR1");
}

TEST(Verdict, of_a_timeout_names_the_signal_that_was_obeyed) {
  ctest::Test test;
  test.timeout_signal = {"SIGINT", SIGINT};
  Expressions expressions;
  Ending ending;
  ending.kind = Ending::Kind::timed_out;
  EXPECT_EQ(judge(test, ending, {}, expressions).shown, "***Timeout ");
  ending.asked_to_end = true;
  EXPECT_EQ(judge(test, ending, {}, expressions).shown, "***Timeout (SIGINT) ");
}

}  // namespace
}  // namespace hearth::ctest
