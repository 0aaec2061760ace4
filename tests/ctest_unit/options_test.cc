#include "plugin-shim/ctest/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::ctest {
namespace {

using testing::ElementsAre;

const char* no_variable(const char*) { return nullptr; }

Options parsed(const std::vector<std::string>& arguments) {
  return parse_options(arguments, no_variable);
}

TEST(Options, read_a_number_of_slots_in_every_way_of_writing_it) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"-j4"}, {"-j", "4"}, {"--parallel", "4"}, {"--parallel=4"}})
    EXPECT_EQ(parsed(arguments).parallel, 4U) << arguments.front();
  const Options without = parsed({"-j", "-V"});
  EXPECT_TRUE(without.has_parallel);
  EXPECT_EQ(without.parallel, std::nullopt);
  EXPECT_TRUE(without.verbose);
}

TEST(Options, pass_on_what_selects_tests_as_it_was_given) {
  const Options options =
      parsed({"-R", "a b", "--label-regex=x", "-j2", "-C", "Debug", "--rerun-failed"});
  EXPECT_THAT(options.selection, ElementsAre("-R", "a b", "--label-regex=x", "--rerun-failed"));
  EXPECT_THAT(options.configuration, ElementsAre("-C", "Debug"));
  EXPECT_EQ(options.include, "a b");
}

TEST(Options, leave_what_they_do_not_know_to_the_real_ctest) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--new-option"},
                                                    {"-D", "Nightly"},
                                                    {"-T", "memcheck"},
                                                    {"-S", "x"}}) {
    EXPECT_TRUE(parsed(arguments).is_plain) << arguments.front();
    EXPECT_FALSE(parsed(arguments).plain_because.empty()) << arguments.front();
  }
  EXPECT_TRUE(parsed({"--repeat", "sometimes:2"}).is_plain);
  EXPECT_TRUE(parsed({"-R"}).is_plain);
}

TEST(Options, say_nothing_where_only_text_is_asked_for) {
  for (const char* option : {"-N", "--show-only=json-v1", "--version", "--print-labels"}) {
    EXPECT_TRUE(parsed({"-R", "x", option}).is_plain) << option;
    EXPECT_EQ(parsed({"-R", "x", option}).plain_because, "") << option;
  }
  EXPECT_FALSE(parsed({"-R", "-N"}).is_plain);  // an expression
}

TEST(Options, give_what_follows_two_dashes_to_the_tests) {
  const Options options = parsed({"-V", "--", "-N"});
  EXPECT_FALSE(options.is_plain);
  EXPECT_THAT(options.configuration, ElementsAre("--", "-N"));
}

TEST(Options, take_the_environment_where_the_command_line_says_nothing) {
  const auto variable = [](const char* name) -> const char* {
    if (std::string_view(name) == "CTEST_PARALLEL_LEVEL") return "3";
    if (std::string_view(name) == "CTEST_OUTPUT_ON_FAILURE") return "1";
    return nullptr;
  };
  EXPECT_EQ(parse_options({}, variable).parallel, 3U);
  EXPECT_TRUE(parse_options({}, variable).output_on_failure);
  EXPECT_EQ(parse_options({"-j5"}, variable).parallel, 5U);
}

}  // namespace
}  // namespace hearth::ctest
