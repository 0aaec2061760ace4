#include "plugin-shim/ctest/status_line.h"

#include <gtest/gtest.h>

#include <chrono>

namespace hearth::ctest {
namespace {

using std::chrono::seconds;

TEST(StatusLine, tells_what_is_done_and_what_runs_for_how_long) {
  EXPECT_EQ(status_line({3, 0, 12, {{"one", seconds(61)}, {"two", seconds(0)}}}, 80),
            "hearth: 3 of 12; running: one (61 s), two");
  EXPECT_EQ(status_line({3, 2, 12, {}}, 80), "hearth: 3 of 12, 2 failed");
}

TEST(StatusLine, leaves_the_last_column_free) {
  EXPECT_EQ(status_line({3, 0, 12, {{"one", seconds(0)}}}, 20), "hearth: 3 of 12; ru");
}

TEST(StatusLine, tears_no_character_apart_that_may_be_two_columns_wide) {
  EXPECT_EQ(status_line({1, 0, 2, {{"\xe6\xb8\xac\xe8\xa9\xa6", seconds(0)}}}, 28),
            "hearth: 1 of 2; running: \xe6\xb8\xac");
}

TEST(StatusLine, stays_one_line_whatever_the_name) {
  EXPECT_EQ(status_line({1, 0, 2, {{"a\n\x1b[2J\tb", seconds(0)}}}, 80),
            "hearth: 1 of 2; running: a??[2J?b");
}

}  // namespace
}  // namespace hearth::ctest
