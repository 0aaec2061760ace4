#include "plugin-shim/launcher/shebang.h"

#include <gtest/gtest.h>

namespace hearth::launcher {
namespace {

const std::filesystem::path kScript = "/venv/bin/pytest";

Runner python(std::string name, std::string options = "") {
  return PythonScript{std::move(name), std::move(options)};
}

TEST(Shebang, names_the_interpreter_itself) {
  EXPECT_EQ(runner_of("#!/venv/bin/python\nimport sys\n", kScript), python("/venv/bin/python"));
  EXPECT_EQ(runner_of("#! /venv/bin/python3.11 \n", kScript), python("/venv/bin/python3.11"));
  EXPECT_EQ(runner_of("#!/opt/pypy/bin/pypy3\n", kScript), python("/opt/pypy/bin/pypy3"));
}

TEST(Shebang, without_a_line_end_is_understood) {
  EXPECT_EQ(runner_of("#!/usr/bin/python3", kScript), python("/usr/bin/python3"));
}

TEST(Shebang, keeps_the_options_of_the_interpreter) {
  EXPECT_EQ(runner_of("#!/usr/bin/python3 -sP\n", kScript), python("/usr/bin/python3", "-sP"));
}

TEST(Shebang, of_env_is_a_name_to_look_for) {
  EXPECT_EQ(runner_of("#!/usr/bin/env python3\n", kScript), python("python3"));
  EXPECT_EQ(runner_of("#!/usr/bin/env -S A=1 python3 -I\n", kScript), python("python3", "-I"));
}

TEST(Shebang, of_a_long_path_is_in_the_second_line) {
  EXPECT_EQ(
      runner_of("#!/bin/sh\n'''exec' \"/a long/bin/python\" \"$0\" \"$@\"\n' '''\nimport sys\n",
                kScript),
      python("/a long/bin/python"));
  EXPECT_EQ(runner_of("#!/bin/sh\n'''exec' /long/bin/python3 \"$0\" \"$@\"\n' '''\n", kScript),
            python("/long/bin/python3"));
}

TEST(Shebang, of_a_movable_environment_is_relative_to_the_script) {
  EXPECT_EQ(runner_of("#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python3' "
                      "\"$0\" \"$@\"\n' '''\n",
                      "/nowhere/bin/pytest"),
            python("/nowhere/bin/python3"));
}

TEST(Shebang, of_anything_else_is_another_program) {
  for (const char* head :
       {"", "#!", "#!\n",
        "\x7f"
        "ELF",
        "#!/bin/sh\nexec pytest\n", "#!/bin/sh\n", "#!/usr/bin/env bash\n", "#!/usr/bin/env\n",
        "#!/usr/bin/env -S\n", "#!/bin/sh\n'''exec' \"$0\" \"$@\"\n", "import sys\n"}) {
    EXPECT_EQ(runner_of(head, kScript), Runner(OtherProgram{})) << head;
  }
}

}  // namespace
}  // namespace hearth::launcher
