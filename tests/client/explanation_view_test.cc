#include "plugin-shim/launcher/explanation_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hearth::launcher {
namespace {

using protocol::Cause;
using protocol::CauseKind;
using protocol::Flavour;
using protocol::Stage;

const Cause changed_file{CauseKind::file, "/p/test_a.py", "size", "120", "134", {}};

protocol::Explanation explanation() {
  protocol::Explanation one;
  one.found = true;
  one.directory = "/p";
  one.args = {"-n", "2"};
  one.age_ms = 12'000;
  one.flavours = {{Flavour::session, {{Stage::configured, {}}}},
                  {Flavour::worker,
                   {{Stage::selected, changed_file},
                    {Stage::gathered, changed_file},
                    {Stage::configured, {}}}}};
  return one;
}

TEST(Explanation, is_one_line_for_each_stage) {
  EXPECT_EQ(explanation_text(explanation()),
            "hearth pytest -n 2   (12 s ago)\n"
            "  session  configured  served\n"
            "  worker   selected    /p/test_a.py changed (size 120 -> 134)\n"
            "           gathered    likewise\n"
            "           configured  served\n");
}

TEST(Explanation, of_a_run_that_waits_says_so) {
  auto waiting = explanation();
  waiting.flavours.clear();
  EXPECT_THAT(explanation_text(waiting), testing::HasSubstr("it has no stage yet"));
}

TEST(Explanation, keeps_a_cause_in_its_line) {
  auto one = explanation();
  one.flavours = {{Flavour::session,
                   {{Stage::selected, {CauseKind::arguments, "two\nlines", {}, {}, {}, {}}}}}};
  EXPECT_THAT(explanation_text(one), testing::HasSubstr("a start of their own: two lines\n"));
}

TEST(Explanation, as_json_has_the_fields_of_the_schema_and_the_sentence) {
  const auto json = nlohmann::json::parse(explanation_json(explanation()));
  EXPECT_EQ(json["found"], true);
  EXPECT_EQ(json["flavours"][1]["flavour"], "worker");
  const auto stage = json["flavours"][1]["stages"][0];
  EXPECT_EQ(stage["stage"], "selected");
  EXPECT_EQ(stage["cause"], "file");
  EXPECT_EQ(stage["subject"], "/p/test_a.py");
  EXPECT_EQ(stage["aspect"], "size");
  EXPECT_EQ(stage["before"], "120");
  EXPECT_EQ(stage["after"], "134");
  EXPECT_EQ(stage["text"], "/p/test_a.py changed (size 120 -> 134)");
}

TEST(Cause, is_a_sentence) {
  const auto sentence_of = [](CauseKind kind, const char* subject, const char* aspect = "",
                              const char* before = "", const char* after = "",
                              const char* place = "") {
    return sentence({kind, subject, aspect, before, after, place});
  };
  EXPECT_EQ(sentence_of(CauseKind::served, "", "rebuilt"), "served; it was rebuilt before the run");
  EXPECT_EQ(sentence_of(CauseKind::first_use, ""), "nothing like it was built before");
  EXPECT_EQ(sentence_of(CauseKind::file, "/f", "kind", "absent", "file"), "/f appeared");
  EXPECT_EQ(sentence_of(CauseKind::file, "/f", "kind", "file", "absent"), "/f is gone");
  EXPECT_EQ(sentence_of(CauseKind::file, "/f", "listing"), "/f changed (listing)");
  EXPECT_EQ(sentence_of(CauseKind::variable, "A", "value", "1", "2"),
            "variable A changed (1 -> 2)");
  EXPECT_EQ(sentence_of(CauseKind::variable, "A", "set", "", "2"), "variable A is set now (2)");
  EXPECT_EQ(sentence_of(CauseKind::variable, "A", "unset", "1"),
            "variable A is not set now (was 1)");
  EXPECT_EQ(sentence_of(CauseKind::option, "keyword", "", "'a'", "'b'", "/c.py:3"),
            "option keyword differs ('a' -> 'b'); it was read at /c.py:3");
  EXPECT_EQ(sentence_of(CauseKind::option, "arguments", "", "a", "b", "/c.py:3"),
            "the list of arguments differs (a -> b); it was read at /c.py:3");
  EXPECT_EQ(sentence_of(CauseKind::surroundings, "python", "", "/a", "/b"),
            "another python (/a -> /b)");
  EXPECT_EQ(sentence_of(CauseKind::surroundings, "resource limits"), "other resource limits");
  EXPECT_EQ(sentence_of(CauseKind::refused, "running thread x"),
            "cannot be forked: running thread x");
  EXPECT_EQ(sentence_of(CauseKind::refused, "os.system: x", "subprocess", "", "", "/c.py:3"),
            "cannot be forked: os.system: x, at /c.py:3");
  EXPECT_EQ(sentence_of(CauseKind::serves_once, "uuid4", "identity", "", "", "/c.py:3"),
            "serves once: uuid4, at /c.py:3");
  EXPECT_EQ(sentence_of(CauseKind::too_old, ""), "was too old: it may have looked at the clock");
  EXPECT_EQ(sentence_of(CauseKind::evicted, "", "idle"), "was ended: unused for too long");
  EXPECT_EQ(sentence_of(CauseKind::evicted, "", "memory"), "was ended: its memory was needed");
  EXPECT_EQ(sentence_of(CauseKind::evicted, "", "number"),
            "was ended: too many others were used since");
  EXPECT_EQ(sentence_of(CauseKind::lost, "was killed by SIGKILL"),
            "its process was killed by SIGKILL");
  EXPECT_EQ(sentence_of(CauseKind::ended, "exited with status 4"),
            "the command ended before it: it exited with status 4");
  EXPECT_EQ(sentence_of(CauseKind::preload, "it logs", "numpy"),
            "numpy cannot be imported ahead: it logs");
  EXPECT_EQ(sentence_of(CauseKind::preload, "the run uses gevent"),
            "what was imported ahead is of no use: the run uses gevent");
  EXPECT_EQ(sentence_of(CauseKind::declaration, "[tool.hearth] is not used: x", "declaration", "",
                        "", "/p/pyproject.toml"),
            "[tool.hearth] is not used: x, at /p/pyproject.toml");
}

TEST(Cause, is_cut_where_a_value_is_long) {
  const std::string longest(5000, 'x');
  EXPECT_LT(sentence({CauseKind::variable, "A", "value", longest, longest, {}}).size(), 250U);
}

}  // namespace
}  // namespace hearth::launcher
