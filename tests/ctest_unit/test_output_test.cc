#include "plugin-shim/ctest/test_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::ctest {
namespace {

using testing::ElementsAre;

std::string text_of(const std::vector<std::string>& pieces) {
  TestOutput output;
  for (const std::string& piece : pieces) output.add(piece, {});
  output.end({});
  return output.text();
}

TEST(TestOutput, is_made_of_lines_however_it_comes) {
  EXPECT_EQ(text_of({"on", "e\ntw", "o\r\n\nthree"}), "one\ntwo\n\nthree\n");
  EXPECT_EQ(text_of({std::string("a\0b\n", 4)}), "a\nb\n");
  EXPECT_EQ(text_of({"last\r"}), "last\r\n");
}

TEST(TestOutput, leaves_out_what_is_for_ctest) {
  TestOutput output;
  std::vector<std::string> told;
  const auto tell = [&](const std::string& text) { told.push_back(text); };
  output.add("a\n<CTestLabel>slow</CTestLabel>\n<CTestDetails>why</CTestDetails>\nb\n", tell);
  EXPECT_EQ(output.text(), "a\nb\n");
  EXPECT_THAT(output.labels(), ElementsAre("slow"));
  EXPECT_EQ(output.details(), "why");
  EXPECT_THAT(
      told, ElementsAre("a", "<CTestLabel>slow</CTestLabel>", "Test Label added: 'slow'",
                        "<CTestDetails>why</CTestDetails>", "Test Details changed to 'why'", "b"));
}

TEST(TestOutput, gives_measurements_away) {
  const std::string one = "<CTestMeasurement type=\"t\" name=\"n\">1</CTestMeasurement>";
  const std::string other = "<DartMeasurementFile name=\"f\">x.png</DartMeasurementFile>";
  std::string text = "a\n" + one + "\nb " + other + " <CTestMeasurement broken\n";
  EXPECT_THAT(take_measurements(text), ElementsAre(one, other));
  EXPECT_EQ(text, "a\n\nb  <CTestMeasurement broken\n");
}

TEST(TestOutput, is_cut_where_a_character_begins) {
  std::string tail = "abc\xC3\xA4xyz";
  truncate(tail, 4, Truncation::tail);
  EXPECT_EQ(tail,
            "abc...\n[This part of the test output was removed since it exceeds the threshold of 4 "
            "bytes.]\n");
  std::string head = "abcdef";
  truncate(head, 2, Truncation::head);
  EXPECT_TRUE(head.starts_with("\n[This part"));
  EXPECT_TRUE(head.ends_with("...ef"));
  std::string whole = "CTEST_FULL_OUTPUT";
  truncate(whole, 2, Truncation::tail);
  EXPECT_EQ(whole, "CTEST_FULL_OUTPUT");
}

}  // namespace
}  // namespace hearth::ctest
