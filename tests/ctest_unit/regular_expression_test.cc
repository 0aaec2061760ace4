#include "plugin-shim/ctest/regular_expression.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::ctest {
namespace {

bool matches(const char* pattern, std::string_view text) {
  return RegularExpression(pattern).matches(text);
}

TEST(RegularExpression, finds_a_match_anywhere) {
  EXPECT_TRUE(matches("b.d", "abcd"));
  EXPECT_TRUE(matches("(ab|cd)+x?$", "zcdab"));
  EXPECT_FALSE(matches("b.d", "abd"));
  EXPECT_TRUE(matches("", ""));
}

TEST(RegularExpression, takes_ends_for_those_of_the_whole_text) {
  EXPECT_FALSE(matches("^two", "one\ntwo\n"));
  EXPECT_FALSE(matches("one$", "one\ntwo\n"));
  EXPECT_TRUE(matches("one.two", "one\ntwo"));
}

TEST(RegularExpression, knows_no_counts_and_no_classes) {
  EXPECT_FALSE(matches("a{2}", "aa"));
  EXPECT_TRUE(matches("a{2}", "a{2}"));
  EXPECT_FALSE(matches("\\d", "7"));
  EXPECT_TRUE(matches("\\d", "d"));
  EXPECT_TRUE(matches("[\\d]", "\\"));
}

TEST(RegularExpression, reads_sets_of_characters) {
  EXPECT_TRUE(matches("^[a-c]+$", "abc"));
  EXPECT_TRUE(matches("^[]x]$", "]"));
  EXPECT_TRUE(matches("^[-x]$", "-"));
  EXPECT_TRUE(matches("^[x-]$", "-"));
  EXPECT_FALSE(matches("[^a-c]", "abc"));
  EXPECT_TRUE(matches("\\[  SKIPPED \\]", "[  SKIPPED ] a.b (0 ms)"));
}

TEST(RegularExpression, follows_what_may_be_empty) {
  EXPECT_TRUE(matches("^a?b*$", ""));
  EXPECT_TRUE(matches("^(a|)b$", "b"));
  EXPECT_TRUE(matches("^((a+)?b)+$", "baab"));
  EXPECT_FALSE(matches("^((a+)?b)+$", "ba"));
}

TEST(RegularExpression, never_matches_when_it_makes_no_sense) {
  for (const char* pattern : {"(", ")", "a**", "*a", "[a", "[z-a]", "a\\", "(a*)*", "x|*"}) {
    EXPECT_FALSE(RegularExpression(pattern).is_valid()) << pattern;
    EXPECT_FALSE(matches(pattern, pattern)) << pattern;
  }
}

TEST(RegularExpression, looks_no_further_than_a_zero_byte) {
  EXPECT_FALSE(matches("b", std::string_view("a\0b", 3)));
  EXPECT_TRUE(matches("a$", std::string_view("a\0b", 3)));
}

TEST(RegularExpression, takes_time_in_proportion_to_the_text) {
  // Backtracking would take 2^200 steps.
  std::string pattern;
  for (int count = 0; count < 200; ++count) pattern += "a?";
  EXPECT_FALSE(matches((pattern + std::string(200, 'a') + "b").c_str(), std::string(2000, 'a')));
}

}  // namespace
}  // namespace hearth::ctest
