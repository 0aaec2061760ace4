#include "plugin-shim/ctest/cost_data.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/protocol/temporary_directory.h"

namespace hearth::ctest {
namespace {

class CostDataFile : public testing::Test {
 protected:
  std::string text() const {
    std::ifstream stream(file_);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }
  void set_text(const std::string& text) const { std::ofstream(file_) << text; }

  protocol::TemporaryDirectory directory_;
  std::filesystem::path file_ = directory_.path() / "CTestCostData.txt";
};

TEST_F(CostDataFile, keeps_names_with_blanks) {
  set_text("a test 2 0.5\nb 1 3\n---\na test\n");
  const CostData data = read_cost_data(file_);
  ASSERT_EQ(data.entries.size(), 2U);
  EXPECT_EQ(data.entries[0].name, "a test");
  EXPECT_EQ(data.entries[0].runs, 2);
  EXPECT_EQ(data.entries[0].cost, 0.5);
  EXPECT_TRUE(data.failed_last.contains("a test"));
}

TEST_F(CostDataFile, keeps_what_it_says_of_other_tests) {
  set_text("other 1 2\nknown 1 1\n---\nknown\n");
  const CostData before = read_cost_data(file_);
  ASSERT_TRUE(write_cost_data(file_, before, {{"new", 1, 0.25}, {"known", 2, 0.1}}, {"new"}));
  EXPECT_EQ(text(), "other 1 2\nknown 2 0.1\nnew 1 0.25\n---\nnew\n");
}

TEST_F(CostDataFile, may_be_missing_or_broken) {
  EXPECT_TRUE(read_cost_data(file_).entries.empty());
  set_text("nonsense\n");
  EXPECT_TRUE(read_cost_data(file_).entries.empty());
}

TEST(CostEntry, has_the_mean_of_all_runs_that_passed) {
  CostEntry entry{"a", 1, 1.0};
  entry.add(2.0);
  EXPECT_EQ(entry.runs, 2);
  EXPECT_EQ(entry.cost, 1.5);
}

}  // namespace
}  // namespace hearth::ctest
