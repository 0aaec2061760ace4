#include "plugin-shim/client/wait_line.h"

#include <gtest/gtest.h>

namespace hearth::client {
namespace {

using protocol::RunWaits;
using protocol::Stage;

TEST(WaitText, says_what_is_waited_for_and_since_when) {
  EXPECT_EQ(wait_text({1, Stage::selected, 12'345, false}, 80), "hearth: collecting tests (12 s)");
  EXPECT_EQ(wait_text({1, Stage::interpreter, 500, false}, 80), "hearth: starting python");
}

TEST(WaitText, leaves_the_last_column_free) {
  const RunWaits waits{1, Stage::selected, 12'345, false};
  EXPECT_EQ(wait_text(waits, 31), "hearth: collecting tests (12 s");
  EXPECT_EQ(wait_text(waits, 8), "hearth:");
  EXPECT_EQ(wait_text(waits, 1), "");
}

}  // namespace
}  // namespace hearth::client
