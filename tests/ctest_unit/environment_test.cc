#include "plugin-shim/ctest/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::ctest {
namespace {

using testing::ElementsAre;

TEST(Environment, is_modified_in_the_given_order) {
  Environment environment({"A=1", "LIST=x", "GONE=1"});
  const auto modified =
      environment.modify({"A=set:2", "A=string_append:3", "A=string_prepend:1",
                          "LIST=path_list_append:y", "LIST=path_list_prepend:w",
                          "NEW=cmake_list_append:a", "NEW=cmake_list_append:b", "GONE=unset:"});
  EXPECT_TRUE(modified.has_value());
  EXPECT_THAT(environment.entries(), ElementsAre("A=123", "LIST=w:x:y", "NEW=a;b"));
}

TEST(Environment, is_reset_to_what_it_was_before_all_modifications) {
  Environment environment({"A=1"});
  ASSERT_TRUE(environment.modify({"A=set:2", "A=reset:", "B=set:1", "B=reset:"}).has_value());
  EXPECT_THAT(environment.entries(), ElementsAre("A=1"));
}

TEST(Environment, refuses_an_operation_that_there_is_not) {
  Environment environment({});
  EXPECT_EQ(environment.modify({"A=improve:x"}).error(),
            "Error: Unrecognized environment manipulation argument: improve");
  EXPECT_FALSE(environment.modify({"A"}).has_value());
  EXPECT_FALSE(environment.modify({"A=set"}).has_value());
}

TEST(Environment, takes_away_what_has_no_value) {
  Environment environment({"A=1", "AB=2"});
  environment.put("A");
  EXPECT_THAT(environment.entries(), ElementsAre("AB=2"));
}

}  // namespace
}  // namespace hearth::ctest
