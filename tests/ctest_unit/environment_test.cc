#include "plugin-shim/ctest/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::ctest {
namespace {

using testing::ElementsAre;

TEST(Environment, is_modified_in_the_given_order) {
  Environment environment({"A=1", "LIST=x", "GONE=1"});
  EXPECT_TRUE(environment
                  .modify({"A=set:2", "A=string_append:3", "A=string_prepend:1",
                           "LIST=path_list_append:y", "LIST=path_list_prepend:w",
                           "NEW=cmake_list_append:a", "NEW=cmake_list_append:b", "GONE=unset:"},
                          false)
                  .empty());
  EXPECT_THAT(environment.entries(), ElementsAre("A=123", "LIST=w:x:y", "NEW=a;b"));
}

TEST(Environment, is_reset_to_what_it_was_before_all_modifications) {
  Environment environment({"A=1"});
  EXPECT_TRUE(environment.modify({"A=set:2", "A=reset:", "B=set:1", "B=reset:"}, false).empty());
  EXPECT_THAT(environment.entries(), ElementsAre("A=1"));
}

TEST(Environment, refuses_an_operation_that_there_is_not) {
  Environment environment({});
  EXPECT_THAT(environment.modify({"A=improve:x", "B=set:1", "A", "A=set"}, false),
              ElementsAre("Error: Unrecognized environment manipulation argument: improve",
                          "Error: Missing `=` after the variable name in: A",
                          "Error: Missing `:` after the operation in: A=set"));
  EXPECT_TRUE(environment.entries().empty());
}

TEST(Environment, is_appended_to_what_was_unset_as_old_ctests_do) {
  Environment old({"A=1"});
  EXPECT_TRUE(old.modify({"A=unset:", "A=string_append:2"}, true).empty());
  EXPECT_THAT(old.entries(), ElementsAre("A=12"));
  Environment newer({"A=1"});
  EXPECT_TRUE(newer.modify({"A=unset:", "A=string_append:2"}, false).empty());
  EXPECT_THAT(newer.entries(), ElementsAre("A=2"));
}

TEST(Environment, takes_away_what_has_no_value) {
  Environment environment({"A=1", "AB=2"});
  environment.put("A");
  EXPECT_THAT(environment.entries(), ElementsAre("AB=2"));
}

}  // namespace
}  // namespace hearth::ctest
