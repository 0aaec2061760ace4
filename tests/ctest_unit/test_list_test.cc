#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/test_list_json.h"

namespace hearth::ctest {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(TestList, has_commands_and_properties) {
  const auto tests = tests_of_json(R"({"kind": "ctestInfo", "tests": [
    {"name": "a", "command": ["/bin/a", "x y"], "properties": [
      {"name": "TIMEOUT", "value": 1.5}, {"name": "LABELS", "value": ["l", "m"]},
      {"name": "RUN_SERIAL", "value": true}, {"name": "SKIP_RETURN_CODE", "value": 77},
      {"name": "RESOURCE_GROUPS", "value": [{"requirements": [{".type": "gpus", "slots": 2}]}]},
      {"name": "TIMEOUT_AFTER_MATCH", "value": {"regex": ["go"], "timeout": 3.0}},
      {"name": "TIMEOUT_SIGNAL_NAME", "value": "SIGINT"},
      {"name": "MEASUREMENT", "value": [{"measurement": "m", "value": "1"}]},
      {"name": "SOMETHING_ELSE", "value": "x"},
      {"name": "WORKING_DIRECTORY", "value": "/d"}]},
    {"name": "not found", "properties": []}]})");
  ASSERT_TRUE(tests.has_value()) << tests.error();
  ASSERT_EQ(tests->size(), 2U);
  const ctest::Test& test = tests->front();
  EXPECT_THAT(test.command, ElementsAre("/bin/a", "x y"));
  EXPECT_EQ(test.timeout, Seconds(1.5));
  EXPECT_THAT(test.labels, ElementsAre("l", "m"));
  EXPECT_TRUE(test.run_serial);
  EXPECT_EQ(test.skip_return_code, 77);
  EXPECT_EQ(test.resource_groups.at(0).at(0).slots, 2);
  EXPECT_EQ(test.timeout_after_match->timeout, Seconds(3));
  EXPECT_EQ(test.timeout_signal->name, "SIGINT");
  EXPECT_THAT(test.measurements, ElementsAre(Pair("m", "1")));
  EXPECT_EQ(test.directory, "/d");
  EXPECT_TRUE(tests->back().command.empty());
}

TEST(TestList, is_refused_when_it_is_none) {
  EXPECT_FALSE(tests_of_json("").has_value());
  EXPECT_FALSE(tests_of_json("[]").has_value());
  EXPECT_FALSE(tests_of_json(R"({"tests": [7]})").has_value());
}

TEST(TestList, gets_numbers_from_the_list_for_people) {
  EXPECT_THAT(numbers_of("Test project /b\n"
                         "  Test  #3: a b\n"
                         "Could not find executable x\n"
                         "  Test #12: c: d (Disabled)\n"
                         "\nTotal Tests: 2\n"),
              ElementsAre(Pair(3, "a b"), Pair(12, "c: d (Disabled)")));
}

TEST(TestList, knows_the_version_of_ctest) {
  EXPECT_EQ(version_of("ctest version 3.25.1\n\nCMake suite"), (Version{3, 25}));
  EXPECT_EQ(version_of("ctest version 4.4.20260822-g03676b0"), (Version{4, 4}));
  EXPECT_EQ(version_of("nonsense"), (Version{0, 0}));
}

TEST(TestList, explains_which_executable_is_missing) {
  std::vector<ctest::Test> tests(2);
  tests[0].number = 3;
  tests[1].number = 4;
  tests[1].command = {"/bin/x"};
  explain_missing(
      "Could not find executable /foo\nLooked in the following places:\n/foo\n\n"
      "3: Test command:  \"bar\"\n3: Working Directory: /b\n  Test #3: missing\n",
      tests);
  EXPECT_EQ(tests[0].missing_executable, "/foo");
  EXPECT_EQ(tests[0].missing_arguments, " \"bar\"");
  EXPECT_EQ(tests[0].missing_explanation,
            "Could not find executable /foo\nLooked in the following places:\n/foo\n");
}

TEST(TestList, tells_tests_that_are_alone_of_their_program) {
  std::vector<ctest::Test> tests(4);
  tests[0].command = {"/a", "1"};
  tests[1].command = {"/b", "1"};
  tests[2].command = {"/a", "2"};
  find_lonely_programs(tests);
  EXPECT_FALSE(tests[0].is_alone_of_its_program);
  EXPECT_TRUE(tests[1].is_alone_of_its_program);
  EXPECT_FALSE(tests[2].is_alone_of_its_program);
  EXPECT_FALSE(tests[3].is_alone_of_its_program) << "it has none";
}

TEST(TestList, finds_what_must_have_succeeded_before) {
  std::vector<ctest::Test> tests(3);
  tests[0].name = "setup";
  tests[0].fixtures_setup = {"f"};
  tests[1].name = "user";
  tests[1].fixtures_required = {"f", "g"};
  tests[2].name = "disabled user";
  tests[2].fixtures_required = {"f"};
  tests[2].disabled = true;
  find_required_successes(tests);
  EXPECT_THAT(tests[1].required_successes, ElementsAre("setup"));
  EXPECT_TRUE(tests[2].required_successes.empty());
}

}  // namespace
}  // namespace hearth::ctest
