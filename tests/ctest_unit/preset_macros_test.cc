#include "plugin-shim/ctest/preset_macros.h"

#include <gtest/gtest.h>

#include <string_view>

namespace hearth::ctest {
namespace {

const char* variable(const char* name) {
  return std::string_view(name) == "OUTSIDE" ? "out" : nullptr;
}

PresetMacros macros(PresetMacros::Environment environment = {}) {
  return {{{"presetName", "mine"}}, std::move(environment), variable};
}

TEST(PresetMacros, stand_for_what_they_name) {
  EXPECT_EQ(macros().expand("<${presetName}> $penv{OUTSIDE}$penv{NOTHING}"), "<mine> out");
}

TEST(PresetMacros, need_a_brace) { EXPECT_EQ(macros().expand("5$ $x {$}"), "5$ $x {$}"); }

TEST(PresetMacros, find_the_presets_own_variables_before_those_outside) {
  auto made = macros({{"OUTSIDE", "in ${presetName}"}, {"NONE", std::nullopt}});
  EXPECT_EQ(made.expand("$env{OUTSIDE}, $penv{OUTSIDE}, $env{NONE}"), "in mine, out, ");
}

TEST(PresetMacros, are_not_known_when_they_are_not_or_when_they_need_themselves) {
  EXPECT_EQ(macros().expand("${fileDir}"), std::nullopt);
  EXPECT_EQ(macros().expand("$vendor{presetName}"), std::nullopt);
  EXPECT_EQ(macros({{"A", "$env{B}"}, {"B", "$env{A}"}}).expand("$env{A}"), std::nullopt);
}

}  // namespace
}  // namespace hearth::ctest
