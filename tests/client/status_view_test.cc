#include "plugin-shim/launcher/status_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hearth::launcher {
namespace {

using testing::HasSubstr;

protocol::Status status_with_one_of_each() {
  protocol::Status status;
  status.version = "0.1.0";
  status.pid = 100;
  status.uptime_ms = 65'000;
  status.slots = 4;
  status.slots_busy = 2;
  status.interpreters_started = 1;
  status.runs_finished = 7;
  status.log_file = "/state/hearthd.log";
  protocol::ZygoteStatus zygote;
  zygote.pid = 101;
  zygote.parent_pid = 99;
  zygote.stage = protocol::Stage::selected;
  zygote.flavour = protocol::Flavour::worker;
  zygote.state = "ready";
  zygote.python = "/venv/bin/python";
  zygote.directory = "/src";
  zygote.args = {"-n", "2", "tests"};
  zygote.served = 3;
  zygote.files = 812;
  zygote.pss_bytes = 35'200'000;
  zygote.age_ms = 400;
  status.zygotes = {zygote};
  protocol::RunStatus run;
  run.run = 8;
  run.directory = "/src";
  run.args = {"pytest", "-q"};
  run.state = "running";
  run.workers = 2;
  run.slots = 2;
  run.items = 50;
  run.finished = 20;
  run.age_ms = 1500;
  status.runs = {run};
  return status;
}

TEST(StatusTable, shows_the_daemon_its_zygotes_and_its_runs) {
  EXPECT_EQ(status_table(status_with_one_of_each()),
            "hearth 0.1.0, process 100, up 1 min\n"
            "slots: 2 of 4 busy; runs finished: 7; interpreters started: 1\n"
            "log: /state/hearthd.log\n"
            "\n"
            "zygotes: 1, 35.2 MB\n"
            "  process  stage     flavour  state  age     served  files  memory   for\n"
            "  101      selected  worker   ready  400 ms  3       812    35.2 MB  /src: pytest -n "
            "2 tests\n"
            "\n"
            "runs: 1\n"
            "  run  state    age  workers  slots  finished  for\n"
            "  8    running  1 s  2        2      20 of 50  /src: pytest -q\n");
}

TEST(StatusTable, keeps_an_argument_with_line_ends_in_its_line) {
  protocol::Status status = status_with_one_of_each();
  status.runs[0].args = {"pytest", "-k", "a\nb\x1b[2J"};
  EXPECT_THAT(status_table(status), HasSubstr("/src: pytest -k a b?[2J\n"));
}

TEST(StatusTable, cuts_a_long_command) {
  protocol::Status status = status_with_one_of_each();
  status.runs[0].args = {std::string(5000, 'x')};
  EXPECT_LT(status_table(status).size(), 1000U);
}

TEST(StatusJson, has_the_fields_of_the_schema) {
  const auto json = nlohmann::json::parse(status_json(status_with_one_of_each()));
  EXPECT_EQ(json.at("pid"), 100);
  EXPECT_EQ(json.at("log_file"), "/state/hearthd.log");
  EXPECT_EQ(json.at("zygotes").at(0).at("stage"), "selected");
  EXPECT_EQ(json.at("zygotes").at(0).at("parent_pid"), 99);
  EXPECT_EQ(json.at("zygotes").at(0).at("args"), nlohmann::json({"-n", "2", "tests"}));
  EXPECT_EQ(json.at("runs").at(0).at("finished"), 20);
  EXPECT_EQ(json.size(), 10U);
  EXPECT_EQ(json.at("zygotes").at(0).size(), 12U);
  EXPECT_EQ(json.at("runs").at(0).size(), 9U);
}

TEST(StatusJson, has_lists_that_are_empty_when_nothing_is_there) {
  const auto json = nlohmann::json::parse(status_json({}));
  EXPECT_EQ(json.at("zygotes"), nlohmann::json::array());
  EXPECT_EQ(json.at("runs"), nlohmann::json::array());
}

TEST(StatusJson, is_json_also_when_a_path_is_not_text) {
  protocol::Status status = status_with_one_of_each();
  status.zygotes[0].directory = "/\xff\xfe";
  EXPECT_TRUE(nlohmann::json::accept(status_json(status)));
}

TEST(ReadableDuration, has_at_most_two_units) {
  EXPECT_EQ(readable_duration(0), "0 ms");
  EXPECT_EQ(readable_duration(999), "999 ms");
  EXPECT_EQ(readable_duration(1'000), "1 s");
  EXPECT_EQ(readable_duration(60'000), "1 min");
  EXPECT_EQ(readable_duration(3'900'000), "1 h 5 min");
  EXPECT_EQ(readable_duration(183'600'000), "2 d 3 h");
}

TEST(ReadableSize, knows_that_zero_means_unknown) {
  EXPECT_EQ(readable_size(0), "-");
  EXPECT_EQ(readable_size(812'000), "812 kB");
  EXPECT_EQ(readable_size(35'210'000), "35.2 MB");
  EXPECT_EQ(readable_size(2'500'000'000), "2.50 GB");
}

}  // namespace
}  // namespace hearth::launcher
