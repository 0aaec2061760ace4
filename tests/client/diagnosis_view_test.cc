#include "plugin-shim/launcher/diagnosis_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace hearth::launcher {
namespace {

using protocol::Cause;
using protocol::CauseKind;
using protocol::Stage;
using testing::HasSubstr;

protocol::Diagnosis diagnosis() {
  protocol::Diagnosis one;
  one.found = true;
  one.complaints = {
      {Stage::gathered, {CauseKind::serves_once, "uuid.uuid4", "identity", {}, {}, "/p/a.py:3"}, 0},
      {Stage::configured, {CauseKind::variable, "A", "value", "1", "2", {}}, 3}};
  return one;
}

TEST(Diagnosis, tells_of_each_complaint_what_it_is_and_what_to_do) {
  EXPECT_EQ(diagnosis_text(diagnosis()),
            "gathered    serves once: uuid.uuid4, at /p/a.py:3\n"
            "            take it in a fixture or in the test; or, if no two runs need differ in "
            "it, declare it in pyproject.toml: [tool.hearth] harmless = [\"identity\"]\n"
            "configured  variable A changed (1 -> 2), in 3 runs\n"
            "            read it in a fixture or in the test, or give all runs the same value\n");
}

TEST(Diagnosis, of_a_healthy_project_is_one_line) {
  EXPECT_THAT(diagnosis_text({}), HasSubstr("nothing keeps"));
}

TEST(Diagnosis, as_json_has_the_fields_of_the_schema_and_the_advice) {
  const auto json = nlohmann::json::parse(diagnosis_json(diagnosis()));
  EXPECT_EQ(json["found"], true);
  const auto complaint = json["complaints"][0];
  EXPECT_EQ(complaint["stage"], "gathered");
  EXPECT_EQ(complaint["cause"], "serves_once");
  EXPECT_EQ(complaint["place"], "/p/a.py:3");
  EXPECT_THAT(complaint["advice"], HasSubstr("fixture"));
  EXPECT_EQ(json["complaints"][1]["times"], 3);
}

TEST(Advice, is_one_for_each_kind) {
  std::set<std::string> all;
  for (const auto* kind :
       {"subprocess", "child", "thread", "descriptor", "lock", "database", "memory", "temporary"})
    all.insert(advice({CauseKind::refused, {}, kind, {}, {}, {}}));
  EXPECT_EQ(all.size(), 8U);
  EXPECT_THAT(advice({CauseKind::refused, {}, "subprocess", {}, {}, {}}),
              HasSubstr("harmless = [\"subprocess\"]"));
  EXPECT_THAT(advice({CauseKind::preload, "it logs", "numba", {}, {}, {}}),
              HasSubstr("no_preload = [\"numba\"]"));
  EXPECT_FALSE(advice({CauseKind::option, {}, {}, {}, {}, {}}).empty());
  EXPECT_FALSE(advice({CauseKind::declaration, {}, "declaration", {}, {}, {}}).empty());
}

}  // namespace
}  // namespace hearth::launcher
