#include "plugin-shim/ctest/declarative_script.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::ctest {
namespace {

TEST(DeclarativeScript, is_what_cmake_and_its_modules_generate) {
  EXPECT_TRUE(is_declarative(""));
  EXPECT_TRUE(
      is_declarative("# CMake generated Testfile for \n"
                     "add_test([=[a ]] (\"]=] \"/bin/true\" \"a)b\\\"\")\r\n"
                     "set_tests_properties([=[a]=] PROPERTIES  _BACKTRACE_TRIPLES \"/x;4;add\")\n"
                     "subdirs(\"sub\")\n"
                     "if(EXISTS \"/x/y[1]_tests.cmake\")\n"
                     "  include(\"/x/y[1]_tests.cmake\")\n"
                     "else()\n"
                     "  ADD_TEST(y_NOT_BUILT y_NOT_BUILT)\n"
                     "endif()\n"
                     "if(NOT (A AND (B OR C)) AND CTEST_CONFIGURATION_TYPE MATCHES \"^([Dd])$\")\n"
                     "endif ( ) # the end\n"));
  EXPECT_TRUE(is_declarative("#[[ execute_process() ]] set(a b)#[=[ x ]] ]=]"));
  EXPECT_TRUE(is_declarative("set(a [[\nexecute_process(COMMAND date)\n]] \"\nfile(x)\n\")"));
  EXPECT_TRUE(is_declarative("set(a b\\ c -D\"x )(\" \\# $ENV{HOME} a=b ${a} #)\n )"));
}

TEST(DeclarativeScript, has_no_commands_that_may_look_at_what_is_in_no_file) {
  for (const char* command : {"execute_process", "string", "file", "EXECUTE_PROCESS", "function",
                              "cmake_language", "math", "site_name", "find_program", "my_macro"}) {
    EXPECT_FALSE(is_declarative(std::string(command) + "(a)")) << command;
    EXPECT_FALSE(is_declarative("set(a b)\n  " + std::string(command) + " (a)\n")) << command;
    EXPECT_FALSE(is_declarative("set(a b)" + std::string(command) + "(a)\n")) << command;
  }
  EXPECT_FALSE(is_declarative("if(a.py IS_NEWER_THAN b.py)\nendif()"));
  EXPECT_FALSE(is_declarative("set(op IS_NEWER)\nif(a ${op}_THAN b)\nendif()"));
}

TEST(DeclarativeScript, has_one_reading) {
  EXPECT_FALSE(is_declarative("set(a"));
  EXPECT_FALSE(is_declarative("set(a \"b"));
  EXPECT_FALSE(is_declarative("set(a \"b\\"));
  EXPECT_FALSE(is_declarative("set(a [[b)"));
  EXPECT_FALSE(is_declarative("set(a [==[b]=])"));
  EXPECT_FALSE(is_declarative("set a b"));
  EXPECT_FALSE(is_declarative("set\n(a b)"));
  EXPECT_FALSE(is_declarative("set(a) )"));
  EXPECT_FALSE(is_declarative("#[[ set(a b)"));
  EXPECT_FALSE(is_declarative("set(a[[b ]] )"));
  EXPECT_FALSE(is_declarative(std::string("set(a b)\0", 9)));
  EXPECT_FALSE(is_declarative("\xef\xbb\xbfset(a b)"));
  EXPECT_FALSE(is_declarative("# a line\\\nexecute_process(COMMAND date)"));
}

}  // namespace
}  // namespace hearth::ctest
