// Runs, by what their client, controller and workers say.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <set>

#include "daemon_fixture.h"

namespace hearth::tests {
namespace {

using namespace hearth::protocol;
using testing::HasSubstr;
using testing::StartsWith;

class SessionRunTest : public DaemonFixture {
 protected:
  // The run's wait status; -1 when it did not finish.
  std::int64_t run(const std::vector<std::string>& args) {
    last_ = client();
    if (last_->submit(args) == 0) return -1;
    const auto finished = last_->receive_a<RunFinished>();
    return finished ? finished->wait_status : -1;
  }
  std::string output() const { return last_->output(); }

  // Of all that the run's client is told of; nothing unless it wants to be.
  std::set<std::string> traced_paths(const std::vector<std::string>& args, bool wants_trace) {
    last_ = client();
    last_->submit_spec(fake_spec(args), wants_trace);
    std::set<std::string> paths;
    while (auto message = last_->receive()) {
      if (std::holds_alternative<RunFinished>(*message)) break;
      if (const auto* trace = std::get_if<Trace>(&*message)) {
        for (const auto& file : trace->files) paths.insert(file.path);
      }
    }
    return paths;
  }

  std::unique_ptr<TestClient> last_;
};
class DistributionTest : public SessionRunTest {};
class PluginRunTest : public SessionRunTest {};

TEST_F(SessionRunTest, hands_over_the_sessions_own_status_and_streams) {
  EXPECT_EQ(run({"print:before ", "x"}), 7 << 8);
  EXPECT_EQ(output(), "before <print:before ><x>");
}

TEST_F(SessionRunTest, lets_a_refused_stage_become_the_session_itself) {
  EXPECT_EQ(run({"refuse:selected"}), 7 << 8);
  EXPECT_EQ(run({"refuse:selected"}), 7 << 8);
}

TEST_F(SessionRunTest, delivers_a_signal_to_the_session) {
  auto one = client();
  const auto number = one->submit({"hang:session"});
  wait_until("it runs", [&] { return has_session(); });
  one->send(SignalRun{number + 1, SIGKILL});  // another's
  one->send(SignalRun{number, SIGINT});
  EXPECT_EQ(one->receive_a<RunFinished>().value_or(RunFinished{}).wait_status, SIGINT);
}

TEST_F(SessionRunTest, is_interrupted_while_its_stage_is_built) {
  auto one = client();
  const auto number = one->submit({"hang"});
  wait_until("it is built", [&] { return status().zygotes.size() == 5; });
  one->send(SignalRun{number, SIGINT});
  EXPECT_EQ(one->receive_a<RunFinished>().value_or(RunFinished{}).wait_status, 2 << 8);
  wait_until("the build is given up", [&] { return status().zygotes.size() == 4; });
}

TEST_F(SessionRunTest, goes_on_when_the_session_closes_all_its_descriptors) {
  auto one = client();
  const auto number = one->submit({"close"});
  wait_until("it runs", [&] { return has_session(); });
  one->send(SignalRun{number, SIGTERM});
  EXPECT_EQ(one->receive_a<RunFinished>().value_or(RunFinished{}).wait_status, SIGTERM);
}

TEST_F(SessionRunTest, ends_when_its_client_closes_its_streams) {
  auto one = client();
  one->submit({"hang:session"});
  wait_until("it runs", [&] { return has_session(); });
  one->close_streams();
  wait_until_idle();
}

TEST_F(SessionRunTest, writes_nothing_before_the_client_has_taken_its_own_off_the_terminal) {
  const auto brake = mark("brake");
  auto one = client();
  const auto number = one->submit_spec(fake_spec({"wait:" + brake}), false, true);
  const auto waits = one->receive_a<RunWaits>().value_or(RunWaits{});
  EXPECT_EQ(waits.run, number);
  EXPECT_EQ(waits.stage, Stage::selected);
  EXPECT_GE(waits.waited_ms, 500u);
  std::filesystem::remove(brake);
  EXPECT_EQ(one->receive_a<RunBegins>().value_or(RunBegins{}).run, number);
  wait_until("it runs", [&] { return has_session(); });
  EXPECT_EQ(one->output(), "");
  one->send(TerminalLeft{number});
  EXPECT_EQ(one->receive_a<RunFinished>().value_or(RunFinished{}).wait_status, 7 << 8);
  EXPECT_NE(one->output(), "");
}

TEST_F(SessionRunTest, keeps_a_session_that_is_started_again_waiting_for_its_own_answer) {
  const auto brake = mark("brake");
  const auto fork = mark("fork");
  auto one = client();
  const auto number =
      one->submit_spec(fake_spec({"wait:" + brake, "once:fork=" + fork}), false, true);
  EXPECT_TRUE(one->receive_a<RunWaits>());
  std::filesystem::remove(brake);
  EXPECT_TRUE(one->receive_a<RunBegins>());
  wait_until("it is to be forked", [&] { return !std::filesystem::exists(fork); });
  for (const auto pid : zygotes(Stage::selected, Flavour::session)) kill(pid, SIGKILL);
  EXPECT_TRUE(one->receive_a<RunBegins>());
  one->send(TerminalLeft{number});
  EXPECT_EQ(run({"another"}), 7 << 8);
  EXPECT_EQ(one->output(), "");
  one->send(TerminalLeft{number});
  EXPECT_EQ(one->receive_a<RunFinished>().value_or(RunFinished{}).wait_status, 7 << 8);
}

TEST_F(SessionRunTest, tells_what_its_stages_and_it_looked_at_if_the_client_wants_to_know) {
  const std::vector<std::string> args{"read:/stage"};
  EXPECT_THAT(traced_paths(args, true), testing::UnorderedElementsAre("/stage", "/session"));
  EXPECT_THAT(traced_paths(args, false), testing::IsEmpty());
}

TEST_F(DistributionTest, tells_what_its_stages_and_workers_looked_at_if_the_client_wants_to_know) {
  const std::vector<std::string> args{"distributed", "read:/stage", "workers:2"};
  EXPECT_THAT(traced_paths(args, true),
              testing::UnorderedElementsAre("/stage", "/worker/gw0", "/worker/gw1"));
  EXPECT_THAT(traced_paths(args, false), testing::IsEmpty());
}

TEST_F(DistributionTest, tells_that_other_runs_have_the_slots) {
  auto one = client();
  ASSERT_NE(one->submit({"distributed", "workers:0", "hang:item"}), 0u);
  wait_until("it has all slots", [&] { return status().slots_busy == 2; });
  auto other = client();
  ASSERT_NE(other->submit({"distributed", "workers:0"}), 0u);
  wait_until("the other one says so",
             [&] { return other->output().starts_with("waits for a slot"); });
}

TEST_F(DistributionTest, reports_every_item) {
  EXPECT_EQ(run({"distributed", "items:20"}), 0);
  EXPECT_EQ(output(), "completed reported=20 lost_items=0 lost_workers=0 ");
}

TEST_F(DistributionTest, reports_nothing_of_an_empty_collection) {
  EXPECT_EQ(run({"distributed", "items:0"}), 0);
  EXPECT_EQ(output(), "completed reported=0 lost_items=0 lost_workers=0 ");
}

TEST_F(DistributionTest, builds_for_each_worker_that_reads_its_id) {
  EXPECT_EQ(run({"distributed", "identity", "items:20"}), 0);
  EXPECT_EQ(zygotes(Stage::selected, Flavour::worker).size(), 2u);
}

TEST_F(DistributionTest, executes_in_workers_that_serve_only_once) {
  EXPECT_EQ(run({"distributed", "refuse:selected", "items:20"}), 0);
  EXPECT_EQ(output(), "completed reported=20 lost_items=0 lost_workers=0 ");
}

TEST_F(DistributionTest, replaces_a_worker_that_was_lost) {
  EXPECT_EQ(run({"distributed", "crash:gw0", "items:20"}), 0);
  EXPECT_EQ(output(), "completed reported=20 lost_items=0 lost_workers=1 ");
}

TEST_F(DistributionTest, takes_a_worker_that_names_an_unknown_item_for_lost) {
  EXPECT_EQ(run({"distributed", "workers:1", "unknown-item:gw0"}), 0);
  EXPECT_EQ(output(), "completed reported=1 lost_items=1 lost_workers=1 ");
}

TEST_F(DistributionTest, takes_a_worker_that_gives_back_an_unknown_item_for_lost) {
  EXPECT_EQ(run({"distributed", "workers:1", "unknown-revoked:gw0"}), 0);
  EXPECT_THAT(output(), StartsWith("completed reported="));
}

TEST_F(DistributionTest, takes_a_worker_that_sends_garbage_for_lost) {
  EXPECT_EQ(run({"distributed", "workers:1", "garbage:gw0"}), 0);
  EXPECT_EQ(output(), "completed reported=1 lost_items=1 lost_workers=1 ");
}

TEST_F(DistributionTest, ignores_a_message_that_is_no_workers) {
  EXPECT_EQ(run({"distributed", "wrong-message:gw0", "items:20"}), 0);
  EXPECT_EQ(output(), "completed reported=20 lost_items=0 lost_workers=0 ");
}

TEST_F(DistributionTest, ends_a_worker_that_has_finished_and_goes_on) {
  EXPECT_EQ(run({"distributed", "workers:1", "linger"}), 0);
  EXPECT_EQ(output(), "completed reported=2 lost_items=0 lost_workers=0 ");
}

TEST_F(DistributionTest, is_opened_once) {
  EXPECT_EQ(run({"distributed", "open-twice"}), 0);
  EXPECT_EQ(output(), "completed reported=2 lost_items=0 lost_workers=0 ");
}

TEST_F(DistributionTest, does_not_begin_before_it_is_opened) {
  EXPECT_EQ(run({"distributed", "begin-early"}), 0);
  EXPECT_EQ(output(), "completed reported=2 lost_items=0 lost_workers=0 ");
}

TEST_F(DistributionTest, is_cancelled_before_its_items_begin) {
  EXPECT_EQ(run({"distributed", "cancel-opened"}), 3 << 8);
  EXPECT_EQ(output(), "cancelled reported=0 lost_items=0 lost_workers=0 ");
}

TEST_F(DistributionTest, may_be_cancelled_twice) {
  EXPECT_EQ(run({"distributed", "hang:item", "cancel-began"}), 3 << 8);
  EXPECT_THAT(output(), StartsWith("cancelled reported=0 "));
}

TEST_F(DistributionTest, ends_when_its_client_dies_while_the_second_workers_stage_is_built) {
  auto one = client();
  ASSERT_NE(one->submit({"distributed", "hang:item", "identity", "hang-for:gw1"}), 0u);
  wait_until("gw0 runs and gw1 is built", [&] {
    return processes_of_runs().size() == 2 && zygotes(Stage::selected, Flavour::worker).size() == 2;
  });
  one->die();
  wait_until_idle();
  wait_until("the build is given up",
             [&] { return zygotes(Stage::selected, Flavour::worker).size() == 1; });
}

TEST_F(DistributionTest, says_which_policies_there_are) {
  EXPECT_EQ(run({"distributed", "policy:none"}), 3 << 8);
  EXPECT_THAT(output(), HasSubstr("--dist none is not known"));
}

TEST_F(DistributionTest, does_not_start_a_thousand_million_workers) {
  EXPECT_EQ(run({"distributed", "workers:1000000000"}), 3 << 8);
  EXPECT_THAT(output(), HasSubstr("ask for fewer"));
}

TEST_F(PluginRunTest, gives_the_users_own_pytest_its_workers) {
  auto one = client();
  ASSERT_NE(one->submit_distribution({"items:6"}, 2), 0u);
  const auto opened = one->receive_a<DistributionOpened>();
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->items.size(), 6u);
  one->send(BeginDistribution{});
  int reported = 0;
  for (;;) {
    const auto message = one->receive();
    ASSERT_TRUE(message);
    if (std::holds_alternative<ItemReported>(*message)) ++reported;
    if (std::holds_alternative<DistributionFinished>(*message)) break;
  }
  EXPECT_EQ(reported, 6);
  wait_until_idle();
}

TEST_F(PluginRunTest, takes_no_offence_at_a_cancel_that_crossed_the_end) {
  auto one = client();
  one->submit_distribution({}, 1);
  ASSERT_TRUE(one->receive_a<DistributionOpened>());
  one->send(BeginDistribution{});
  ASSERT_TRUE(one->receive_a<DistributionFinished>());
  one->send(CancelDistribution{});
  one->send(GetStatus{});
  const auto next = one->receive();
  ASSERT_TRUE(next);
  EXPECT_TRUE(std::holds_alternative<Status>(*next)) << name_of(*next);
}

TEST_F(PluginRunTest, ends_its_workers_with_its_client) {
  auto one = client();
  one->submit_distribution({"hang:item"}, 2);
  ASSERT_TRUE(one->receive_a<DistributionOpened>());
  one->send(BeginDistribution{});
  ASSERT_TRUE(one->receive_a<ItemBegan>());
  one->die();
  wait_until_idle();
}

TEST_F(PluginRunTest, ends_with_its_client_while_its_stage_is_built) {
  auto one = client();
  ASSERT_NE(one->submit_distribution({"hang"}, 2), 0u);
  wait_until("it is built", [&] { return status().zygotes.size() == 4; });
  one->die();
  wait_until_idle();
  wait_until("the build is given up", [&] { return status().zygotes.size() == 3; });
}

TEST_F(PluginRunTest, says_why_its_workers_could_not_collect) {
  auto one = client();
  one->submit_distribution({"end:3"}, 2);
  const auto finished = one->receive_a<DistributionFinished>();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->outcome, Outcome::failed);
  EXPECT_THAT(finished->message, HasSubstr("exited with status 3"));
}

}  // namespace
}  // namespace hearth::tests
