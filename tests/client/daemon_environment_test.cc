#include <gtest/gtest.h>

#include "plugin-shim/client/daemon_start.h"

namespace hearth::client {
namespace {

TEST(DaemonEnvironment, has_what_the_daemon_needs_to_find_its_places) {
  for (const char* entry : {"HOME=/root", "USER=a", "LOGNAME=a", "PATH=/bin", "TMPDIR=/x",
                            "XDG_RUNTIME_DIR=/run/user/1", "XDG_STATE_HOME=/x",
                            "HEARTH_STATE_DIR=/x", "HEARTH_ANYTHING="}) {
    EXPECT_TRUE(is_for_daemon(entry)) << entry;
  }
}

TEST(DaemonEnvironment, has_nothing_that_a_later_run_should_not_see) {
  for (const char* entry :
       {"", "=", "PYTHONPATH=/x", "LD_PRELOAD=/x", "MAKEFLAGS=-j", "SECRET=1", "PATHS=/x",
        "NOHEARTH_X=1", "VIRTUAL_ENV=/venv", "HOME2=/", "LANG=C", "HEARTH=1"}) {
    EXPECT_FALSE(is_for_daemon(entry)) << entry;
  }
}

}  // namespace
}  // namespace hearth::client
