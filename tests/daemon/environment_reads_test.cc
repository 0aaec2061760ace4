// Which environments a stage may serve.
#include "daemon/environment_reads.h"

#include <gtest/gtest.h>

#include "daemon/stage_key.h"

namespace hearth::daemon {
namespace {

using protocol::EnvironmentRead;
using protocol::Flavour;
using protocol::Stage;

ProcessRequest request_with(std::vector<std::string> environment) {
  ProcessRequest request;
  request.spec.python = "/usr/bin/python3";
  request.spec.environment = std::move(environment);
  return request;
}

ProcessRequest worker_with(std::vector<std::string> environment) {
  auto request = request_with(std::move(environment));
  request.flavour = Flavour::worker;
  request.identity = {"gw1", 2, "abc", {}};
  return request;
}

EnvironmentRead set(const std::string& name, const std::string& value) {
  return {name, value, true};
}
EnvironmentRead absent(const std::string& name) { return {name, "", false}; }
EnvironmentRead all_but(const std::string& names) { return {"", names, true}; }

std::optional<std::string> difference(const std::vector<EnvironmentRead>& reads,
                                      const ProcessRequest& request) {
  const auto found = first_difference(reads, Stage::configured, request);
  if (!found) return std::nullopt;
  EXPECT_EQ(found->kind, protocol::CauseKind::variable);
  return found->subject;
}

TEST(StageKey, has_what_nobody_sees_being_read) {
  for (const auto stage : {Stage::interpreter, Stage::configured, Stage::selected}) {
    for (const auto* entry : {"PYTHONHASHSEED=1", "LC_ALL=C", "TZ=UTC", "LD_PRELOAD=x.so"}) {
      EXPECT_NE(key_of(stage, request_with({})), key_of(stage, request_with({entry}))) << entry;
    }
  }
}

TEST(StageKey, leaves_out_what_a_stage_is_seen_to_read) {
  for (const auto stage : {Stage::interpreter, Stage::configured, Stage::selected}) {
    for (const auto* entry :
         {"ANSWER=1", "_=/usr/bin/time", "PATH=/bin", "OMP_NUM_THREADS=1", "LANGUAGES=2", "NAME"}) {
      EXPECT_EQ(key_of(stage, request_with({})), key_of(stage, request_with({entry}))) << entry;
    }
  }
}

TEST(StageKey, does_not_depend_on_the_order_of_the_environment) {
  EXPECT_EQ(key_of(Stage::configured, request_with({"LANG=C", "TZ=UTC"})),
            key_of(Stage::configured, request_with({"TZ=UTC", "LANG=C"})));
}

TEST(EnvironmentReads, compare_only_what_was_read) {
  const auto request = request_with({"A=1", "B=2"});
  EXPECT_EQ(difference({}, request), std::nullopt);
  EXPECT_EQ(difference({set("A", "1"), absent("C")}, request), std::nullopt);
}

TEST(EnvironmentReads, name_the_variable_that_has_another_value) {
  EXPECT_EQ(difference({set("A", "1"), set("B", "2")}, request_with({"A=1", "B=3"})), "B");
}

TEST(EnvironmentReads, name_the_variable_that_is_not_set_any_more) {
  EXPECT_EQ(difference({set("A", "")}, request_with({"B=2"})), "A");
}

TEST(EnvironmentReads, name_the_variable_that_is_set_now_also_to_nothing) {
  EXPECT_EQ(difference({absent("A")}, request_with({"A="})), "A");
}

TEST(EnvironmentReads, tell_both_values) {
  const auto between = [](const EnvironmentRead& read, std::vector<std::string> environment) {
    const auto found =
        first_difference({read}, Stage::configured, request_with(std::move(environment)));
    return std::vector{found->aspect, found->before, found->after};
  };
  EXPECT_EQ(between(set("A", "1"), {"A=2"}), (std::vector<std::string>{"value", "1", "2"}));
  EXPECT_EQ(between(set("A", "1"), {}), (std::vector<std::string>{"unset", "1", ""}));
  EXPECT_EQ(between(absent("A"), {"A=2"}), (std::vector<std::string>{"set", "", "2"}));
  EXPECT_EQ(between(all_but(""), {"A=2"}), (std::vector<std::string>{"set", "", "2"}));
}

TEST(EnvironmentReads, of_a_name_that_is_given_twice_mean_the_first) {
  EXPECT_EQ(difference({set("A", "1")}, request_with({"A=1", "A=2"})), std::nullopt);
  EXPECT_EQ(difference({set("A", "2")}, request_with({"A=1", "A=2"})), "A");
}

TEST(EnvironmentReads, keep_what_is_after_the_first_equals_sign) {
  EXPECT_EQ(difference({set("A", "x=y")}, request_with({"A=x=y"})), std::nullopt);
}

TEST(EnvironmentReads, of_everything_find_a_new_variable) {
  const std::vector<EnvironmentRead> reads{set("A", "1"), all_but("")};
  EXPECT_EQ(difference(reads, request_with({"A=1"})), std::nullopt);
  EXPECT_EQ(difference(reads, request_with({"A=1", "NEW=1"})), "NEW");
}

TEST(EnvironmentReads, of_everything_leave_out_what_was_not_meant) {
  const std::vector<EnvironmentRead> reads{set("A", "1"), all_but(std::string("PWD\0_", 5))};
  EXPECT_EQ(difference(reads, request_with({"_=/bin/x", "A=1", "PWD=/"})), std::nullopt);
  EXPECT_EQ(difference(reads, request_with({"_=/bin/x", "A=1", "SHLVL=2"})), "SHLVL");
}

TEST(EnvironmentReads, of_everything_twice_leave_out_what_was_not_meant_either_time) {
  const std::vector<EnvironmentRead> reads{all_but("_"), all_but("PWD")};
  EXPECT_EQ(difference(reads, request_with({"_=/bin/x"})), "_");
  EXPECT_EQ(difference(reads, request_with({"PWD=/"})), "PWD");
}

TEST(EnvironmentReads, of_a_workers_identity_are_compared_with_that_of_the_request) {
  const auto worker = worker_with({"PYTEST_XDIST_WORKER=gw9"});
  EXPECT_EQ(difference({set("PYTEST_XDIST_WORKER", "gw1")}, worker), std::nullopt);
  EXPECT_EQ(difference({set("PYTEST_XDIST_WORKER_COUNT", "2")}, worker), std::nullopt);
  EXPECT_EQ(difference({set("PYTEST_XDIST_WORKER", "gw0")}, worker), "PYTEST_XDIST_WORKER");
  EXPECT_EQ(difference({set("PYTEST_XDIST_TESTRUNUID", "def")}, worker), "PYTEST_XDIST_TESTRUNUID");
}

TEST(EnvironmentReads, of_an_interpreter_know_no_worker) {
  EXPECT_EQ(first_difference({absent("PYTEST_XDIST_WORKER")}, Stage::interpreter, worker_with({})),
            std::nullopt);
  EXPECT_EQ(difference({absent("PYTEST_XDIST_WORKER")}, worker_with({})), "PYTEST_XDIST_WORKER");
}

std::optional<protocol::Cause> differing_input(const std::vector<EnvironmentRead>& reads,
                                               std::vector<protocol::WorkerValue> told) {
  auto request = worker_with({});
  request.identity.input = std::move(told);
  return first_difference(reads, Stage::configured, request);
}

TEST(WorkerInput, serves_who_is_told_the_same) {
  const std::vector<protocol::WorkerValue> told{{"port", "\x01"}, {"seed", "\x02"}};
  EXPECT_FALSE(differing_input({set("=port", "\x01"), absent("=other")}, told));
  EXPECT_FALSE(differing_input({set("=", std::string("port\0seed", 9))}, told));
}

TEST(WorkerInput, is_not_swept_with_the_environment) {
  auto request = request_with({});
  request.identity.input = {{"port", "\x01"}};
  EXPECT_FALSE(first_difference({all_but("")}, Stage::configured, request));
}

TEST(WorkerInput, serves_nobody_who_is_told_something_else) {
  using Texts = std::pair<std::string, std::string>;
  const auto of = [](const std::vector<EnvironmentRead>& reads) {
    const auto found = differing_input(reads, {{"port", "\x01"}, {"seed", "\x02"}});
    EXPECT_TRUE(found && found->kind == protocol::CauseKind::worker_input);
    return found ? Texts(found->subject, found->aspect) : Texts();
  };
  EXPECT_EQ(of({set("=port", "\x03")}), Texts("port", "value"));
  EXPECT_EQ(of({absent("=seed")}), Texts("seed", "set"));
  EXPECT_EQ(of({set("=gone", "\x01")}), Texts("gone", "unset"));
  EXPECT_EQ(of({set("=", "port")}), Texts("", "value"));
}

}  // namespace
}  // namespace hearth::daemon
