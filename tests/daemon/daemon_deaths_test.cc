// Whoever is killed, and whenever: the run comes to its end, its client hears of it once, nothing
// is left, and the daemon serves the next run.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "daemon_fixture.h"

namespace hearth::tests {
namespace {

using namespace hearth::protocol;
using testing::StartsWith;

enum class Victim {
  client,
  run_process,  // the session, the controller or a worker: the last one started
  session_selected,
  session_configured,
  worker_selected,
  worker_configured,
  interpreter,
};

// A run that has come to a certain point, and waits there.
struct Step {
  const char* name;
  std::vector<std::string> args;  // MARK stands for the path of a file that is there
  std::size_t processes;          // of the run, at that point
  std::vector<Victim> victims;
  std::vector<Victim> harmless = {};  // of these: whose death the user does not notice
};

struct Death {
  Step step;
  Victim victim;
};

void PrintTo(const Death& death, std::ostream* out) { *out << death.step.name; }

const char* name_of_victim(Victim victim) {
  switch (victim) {
    case Victim::client:
      return "client";
    case Victim::run_process:
      return "process_of_the_run";
    case Victim::session_selected:
      return "selected_zygote";
    case Victim::session_configured:
      return "configured_zygote";
    case Victim::worker_selected:
      return "selected_worker_zygote";
    case Victim::worker_configured:
      return "configured_worker_zygote";
    case Victim::interpreter:
      return "interpreter";
  }
  return "";
}

const Step steps[] = {
    {"while_its_stage_is_built",
     {"once:stage=MARK"},
     0,
     {Victim::client, Victim::session_selected, Victim::session_configured, Victim::interpreter},
     {Victim::session_configured, Victim::interpreter}},
    {"before_its_session_is_forked",
     {"once:fork=MARK"},
     0,
     {Victim::session_selected, Victim::session_configured, Victim::interpreter},
     {Victim::session_selected, Victim::session_configured, Victim::interpreter}},
    {"before_the_fork_of_its_session_is_told",
     {"once:forked=MARK"},
     1,
     {Victim::session_selected, Victim::interpreter},
     {Victim::session_selected, Victim::interpreter}},
    {"before_its_session_has_begun",
     {"once:begin=MARK"},
     1,
     {Victim::client, Victim::run_process, Victim::session_selected, Victim::session_configured,
      Victim::interpreter},
     {Victim::run_process, Victim::session_selected, Victim::session_configured,
      Victim::interpreter}},
    {"while_its_session_runs",
     {"once:session=MARK"},
     1,
     {Victim::client, Victim::run_process, Victim::session_selected, Victim::session_configured,
      Victim::interpreter}},
    {"while_its_session_runs_that_survives_its_zygote",
     {"once:session=MARK", "survives"},
     1,
     {Victim::client, Victim::run_process}},
    {"before_its_controller_says_anything",
     {"distributed", "once:controller=MARK"},
     1,
     {Victim::client, Victim::run_process, Victim::session_configured, Victim::interpreter}},
    {"while_its_worker_stage_is_built",
     {"distributed", "once:stage=MARK"},
     1,
     {Victim::client, Victim::run_process, Victim::session_configured, Victim::worker_selected,
      Victim::worker_configured, Victim::interpreter}},
    {"before_its_items_begin",
     {"distributed", "until:opened=MARK"},
     1,
     {Victim::client, Victim::run_process, Victim::session_configured, Victim::worker_configured,
      Victim::interpreter}},
    {"while_its_worker_is_forked",
     {"distributed", "workers:1", "once:fork=MARK"},
     0,  // the controller's fork is the first
     {Victim::session_configured, Victim::interpreter}},
    {"before_its_worker_reads",
     {"distributed", "workers:1", "once:worker=MARK"},
     2,
     {Victim::client, Victim::run_process, Victim::session_configured, Victim::worker_selected,
      Victim::worker_configured, Victim::interpreter}},
    {"in_an_item",
     {"distributed", "workers:1", "once:item=MARK"},
     2,
     {Victim::client, Victim::run_process, Victim::session_configured, Victim::worker_selected,
      Victim::worker_configured, Victim::interpreter}},
    {"in_two_items",
     {"distributed", "hang:item"},
     3,
     {Victim::client, Victim::session_configured, Victim::interpreter}},
    {"while_its_worker_ends",
     {"distributed", "workers:1", "once:end=MARK"},
     2,
     {Victim::client, Victim::run_process, Victim::session_configured, Victim::worker_selected,
      Victim::interpreter}},
    {"when_all_is_reported",
     {"distributed", "until:finished=MARK"},
     1,
     {Victim::client, Victim::run_process, Victim::session_configured, Victim::worker_selected,
      Victim::interpreter}},
};

std::vector<Death> all_deaths() {
  std::vector<Death> all;
  for (const auto& step : steps) {
    for (const auto victim : step.victims) all.push_back({step, victim});
  }
  return all;
}

class Deaths : public DaemonFixture, public testing::WithParamInterface<Death> {
 protected:
  std::vector<std::string> args_with_mark() {
    auto args = GetParam().step.args;
    for (auto& each : args) {
      if (const auto at = each.find("MARK"); at != std::string::npos) {
        mark_ = mark("mark");
        each.replace(at, 4, mark_);
      }
    }
    return args;
  }

  void wait_for_step() {
    if (!mark_.empty()) wait_until("the point is reached", [&] { return !exists(mark_); });
    if (HasFailure()) return;
    wait_until("its processes are there",
               [&] { return processes_of_runs().size() == GetParam().step.processes; });
  }

  std::vector<pid_t> find(Victim victim) {
    switch (victim) {
      case Victim::client:
        return {};
      case Victim::run_process:
        return processes_of_runs();
      case Victim::session_selected:
        return zygotes(Stage::selected, Flavour::session);
      case Victim::session_configured:
        return zygotes(Stage::configured, Flavour::session);
      case Victim::worker_selected:
        return zygotes(Stage::selected, Flavour::worker);
      case Victim::worker_configured:
        return zygotes(Stage::configured, Flavour::worker);
      case Victim::interpreter:
        return zygotes(Stage::interpreter, Flavour::session);
    }
    return {};
  }

  std::string mark_;
};

TEST_P(Deaths, leave_a_daemon_that_serves_on) {
  auto one = client();
  ASSERT_NE(one->submit(args_with_mark()), 0u);
  wait_for_step();
  if (HasFailure()) return;
  if (GetParam().victim == Victim::client) {
    one->die();
  } else {
    const auto pids = find(GetParam().victim);
    ASSERT_FALSE(pids.empty());
    kill(*std::max_element(pids.begin(), pids.end()), SIGKILL);
    if (GetParam().step.args.back().rfind("until:", 0) == 0) mark("mark");
    bool has_ended = false;
    while (!has_ended) {
      const auto message = one->receive();
      ASSERT_TRUE(message) << "the client was never told of the end";
      const auto* finished = std::get_if<RunFinished>(&*message);
      has_ended = finished || std::holds_alternative<RunFailed>(*message);
      const auto& harmless = GetParam().step.harmless;
      if (std::find(harmless.begin(), harmless.end(), GetParam().victim) != harmless.end()) {
        ASSERT_TRUE(finished) << std::get<RunFailed>(*message).message;
        EXPECT_EQ(finished->wait_status, 7 << 8);
      }
      if (finished && finished->wait_status == 0) {
        EXPECT_THAT(one->output(), testing::AnyOf(StartsWith("completed reported=2 lost_items=0"),
                                                  StartsWith("completed reported=1 lost_items=1"),
                                                  StartsWith("completed reported=0 lost_items=2")));
      }
    }
  }
  wait_until_idle();
  EXPECT_TRUE(is_running());
  EXPECT_EQ(status().slots_busy, 0u);
  expect_that_it_serves();
}

INSTANTIATE_TEST_SUITE_P(Daemon, Deaths, testing::ValuesIn(all_deaths()), [](const auto& death) {
  return std::string(name_of_victim(death.param.victim)) + "_" + death.param.step.name;
});

}  // namespace
}  // namespace hearth::tests
