// The pool with real processes: a fake zygote that speaks the protocol.
#include "daemon/zygote_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "daemon/housekeeper.h"
#include "protocol/unix_socket.h"
#include "zygote_pool_fixture.h"

namespace hearth::daemon {
namespace {

TEST_F(ZygotePoolTest, builds_the_stages_one_after_another) {
  Zygote* zygote = lease(request({}));
  EXPECT_EQ(zygote->key().stage, Stage::selected);
  EXPECT_EQ(zygote->parent()->key().stage, Stage::gathered);
  EXPECT_EQ(zygote->parent()->parent()->key().stage, Stage::started);
  EXPECT_EQ(zygote->parent()->parent()->parent()->key().stage, Stage::configured);
  EXPECT_EQ(zygote->parsed_by().parent()->key().stage, Stage::interpreter);
  EXPECT_EQ(pool_.interpreters_started(), 1u);
}

TEST_F(ZygotePoolTest, serves_the_same_request_from_the_same_zygote) {
  Zygote* first = lease(request({"x"}));
  EXPECT_EQ(lease(request({"x"})), first);
  EXPECT_EQ(pool_.interpreters_started(), 1u);
}

TEST_F(ZygotePoolTest, shares_the_interpreter_between_arguments_and_flavours) {
  Zygote* first = lease(request({"x"}));
  Zygote* second = lease(request({"y"}));
  Zygote* worker = lease(request({"x"}, Flavour::worker));
  EXPECT_NE(first, second);
  EXPECT_NE(first, worker);
  EXPECT_EQ(interpreter_of(first), interpreter_of(second));
  EXPECT_EQ(pool_.interpreters_started(), 1u);
}

TEST_F(ZygotePoolTest, starts_another_interpreter_for_what_python_reads_at_its_start) {
  lease(request({}));
  auto other = request({});
  other.spec.environment = {"A=1", "PYTHONHASHSEED=2"};
  lease(std::move(other));
  EXPECT_EQ(pool_.interpreters_started(), 2u);
}

TEST_F(ZygotePoolTest, shares_the_interpreter_between_directories_unless_its_start_depends_on_it) {
  const auto started_for = [&](const std::string& variable) {
    const auto before = pool_.interpreters_started();
    for (const auto* directory : {"/", "/tmp"}) {
      auto wanted = request({});
      wanted.spec.directory = directory;
      wanted.spec.environment = {variable};
      lease(std::move(wanted));
    }
    return pool_.interpreters_started() - before;
  };
  EXPECT_EQ(started_for("PYTHONPATH=/a:/b"), 1u);
  EXPECT_EQ(started_for("PYTHONPATH=/a:b"), 2u);
  EXPECT_EQ(started_for("PYTHONPATH=/a:"), 2u) << "an empty entry is the directory";
  EXPECT_EQ(started_for("COVERAGE_PROCESS_START=/a"), 2u);
}

TEST_F(ZygotePoolTest, serves_another_environment_when_nobody_read_what_differs) {
  Zygote* first = lease(request({"variable:A"}));
  auto other = request({"variable:A"});
  other.spec.environment = {"B=2", "A=1"};
  EXPECT_EQ(lease(std::move(other)), first);
}

TEST_F(ZygotePoolTest, builds_another_stage_for_another_value_of_what_was_read_and_keeps_both) {
  Zygote* first = lease(request({"variable:A"}));
  auto other = request({"variable:A"});
  other.spec.environment = {"A=2"};
  Zygote* second = lease(other);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->parent(), first->parent());
  EXPECT_EQ(lease(request({"variable:A"})), first);
  EXPECT_EQ(lease(other), second);
}

TEST_F(ZygotePoolTest, builds_its_own_for_a_run_whose_build_read_another_environment) {
  std::vector<Zygote*> leased;
  for (const auto* entry : {"A=1", "A=2"}) {
    auto wanted = request({"variable:A"});
    wanted.spec.environment = {entry};
    pool_.acquire(std::move(wanted), [&](ZygotePool::Result result) {
      leased.push_back(std::get<ZygotePool::Lease>(result).zygote);
    });
  }
  run_until([&] { return leased.size() == 2; });
  EXPECT_NE(leased[0], leased[1]);
}

TEST_F(ZygotePoolTest, does_not_take_the_end_of_a_build_in_another_environment_for_its_own) {
  int ended = 0;
  for (const auto* entry : {"A=1", "A=2"}) {
    auto wanted = request({"end:4"});
    wanted.spec.environment = {entry};
    pool_.acquire(std::move(wanted), [&](ZygotePool::Result result) {
      EXPECT_NE(std::get_if<ZygotePool::Ended>(&result), nullptr);
      ++ended;
    });
  }
  run_until([&] { return ended == 2; });
  const auto all = pool_.status();
  EXPECT_EQ(std::count_if(all.begin(), all.end(),
                          [](const auto& each) { return each.stage == Stage::gathered; }),
            1)
      << "what both may use is built once";
}

TEST_F(ZygotePoolTest, tries_a_refused_stage_again_in_another_environment) {
  auto wanted = request({"refuse:selected", "variable:A"});
  lease(wanted, false);
  auto other = wanted;
  other.spec.environment = {"A=2"};
  EXPECT_EQ(lease(std::move(other), false)->key().stage, Stage::selected);
}

TEST_F(ZygotePoolTest, lets_two_runs_wait_for_one_build) {
  std::vector<Zygote*> leased;
  for (int i = 0; i < 2; ++i) {
    pool_.acquire(request({}), [&](ZygotePool::Result result) {
      leased.push_back(std::get<ZygotePool::Lease>(result).zygote);
    });
  }
  run_until([&] { return leased.size() == 2; });
  EXPECT_EQ(leased[0], leased[1]);
  EXPECT_EQ(pool_.status().size(), 5u);
}

TEST_F(ZygotePoolTest, does_not_serve_from_a_stage_whose_file_has_changed) {
  const auto path = file("one");
  Zygote* first = lease(request({"read:" + path.string()}));
  const auto first_pid = first->pid();
  const auto interpreter = interpreter_of(first)->pid();
  file("another");
  Zygote* second = lease(request({"read:" + path.string()}));
  EXPECT_NE(second->pid(), first_pid);
  EXPECT_EQ(interpreter_of(second)->pid(), interpreter) << "the stage below still serves";
}

TEST_F(ZygotePoolTest, retires_the_zygotes_of_a_stale_stage) {
  const auto path = file("one");
  Zygote* zygote = lease(request({"read:" + path.string()}));
  const auto stale = zygote->pid();
  std::filesystem::remove(path);
  lease(request({"read:" + path.string()}));
  run_until([&] { return kill(stale, 0) != 0; });
}

TEST_F(ZygotePoolTest, lets_a_build_go_on_for_its_run_whose_parent_was_found_stale_meanwhile) {
  const auto path = file("one");
  const auto brake = directory_ + "/brake";
  const auto for_worker = [&](const char* id) {
    auto wanted = request({"identity", "read:" + path.string(), "wait:" + brake}, Flavour::worker);
    wanted.identity.id = id;
    return wanted;
  };
  const auto configured = lease(for_worker("gw0"))->parent()->pid();
  std::ofstream(brake) << "on";
  std::vector<ZygotePool::Result> results;
  const auto keep = [&](ZygotePool::Result result) { results.push_back(std::move(result)); };
  const auto are_built = [&](std::ptrdiff_t wanted) {
    const auto all = pool_.status();
    return std::count_if(all.begin(), all.end(), [](const protocol::ZygoteStatus& each) {
             return each.stage == Stage::selected && each.state == "building";
           }) == wanted;
  };
  pool_.acquire(for_worker("gw1"), keep);
  run_until([&] { return are_built(1); });
  file("another");
  pool_.acquire(for_worker("gw2"), keep);
  run_until([&] { return are_built(2); });
  std::filesystem::remove(brake);
  run_until([&] { return results.size() == 2; });
  for (const auto& each : results) {
    EXPECT_NE(std::get_if<ZygotePool::Lease>(&each), nullptr);
  }
  run_until([&] { return kill(configured, 0) != 0; });
}

TEST_F(ZygotePoolTest, keeps_an_ended_zygote_as_long_as_it_is_held) {
  Zygote* zygote = lease(request({}));
  zygote->hold();
  kill(zygote->pid(), SIGKILL);
  run_until([&] { return zygote->state() == Zygote::State::ended; });
  Zygote* other = lease(request({}));
  EXPECT_NE(other, zygote);
  EXPECT_EQ(zygote->state(), Zygote::State::ended);
  zygote->release();
}

TEST_F(ZygotePoolTest, builds_nothing_from_a_zygote_whose_channel_is_lost) {
  // Its death is noticed by its channel before anybody has reaped it.
  Zygote* zygote = lease(request({"survives"}));
  const auto parent = zygote->parent()->pid();
  kill(parent, SIGSTOP);  // reaps nothing
  kill(zygote->pid(), SIGKILL);
  run_until([&] { return zygote->state() != Zygote::State::ready; });
  std::optional<ZygotePool::Result> result;
  pool_.acquire(request({"survives"}), [&](ZygotePool::Result one) { result = std::move(one); });
  loop_.run_for_one_round();
  kill(parent, SIGCONT);
  run_until([&] { return result.has_value(); });
  EXPECT_NE(std::get_if<ZygotePool::Lease>(&*result), nullptr);
}

TEST_F(ZygotePoolTest, keeps_a_stale_zygote_alive_for_the_run_that_holds_it) {
  const auto path = file("one");
  Zygote* zygote = lease(request({"read:" + path.string()}));
  zygote->hold();
  const auto held = zygote->pid();
  file("another");
  lease(request({"read:" + path.string()}));
  EXPECT_EQ(kill(held, 0), 0);
  pid_t forked = 0;
  zygote->start_process({}, {}, [&](pid_t pid) { forked = pid; });
  zygote->release();
  run_until([&] { return kill(held, 0) != 0; });
}

TEST_F(ZygotePoolTest, hands_over_what_a_process_printed_that_ended_by_itself) {
  const auto result = acquire(request({"print:usage", "end:4"}));
  const auto& ended = std::get<ZygotePool::Ended>(*result);
  EXPECT_EQ(ended.printed.to_stdout, "usage");
  EXPECT_TRUE(WIFEXITED(ended.wait_status));
  EXPECT_EQ(WEXITSTATUS(ended.wait_status), 4);
}

TEST_F(ZygotePoolTest, keeps_the_signal_of_a_process_that_crashed) {
  const auto result = acquire(request({"crash"}));
  const auto& ended = std::get<ZygotePool::Ended>(*result);
  EXPECT_TRUE(WIFSIGNALED(ended.wait_status));
  EXPECT_EQ(WTERMSIG(ended.wait_status), SIGSEGV);
}

TEST_F(ZygotePoolTest, passes_on_why_a_stage_failed) {
  const auto result = acquire(request({"fail:no pytest here"}));
  EXPECT_EQ(std::get<ZygotePool::Failed>(*result).message, "no pytest here");
}

TEST_F(ZygotePoolTest, says_how_an_interpreter_ended_that_could_not_start) {
  auto wanted = request({});
  wanted.spec.environment = {"FAKE_ZYGOTE_DIES=1"};
  const auto result = acquire(std::move(wanted));
  EXPECT_THAT(std::get<ZygotePool::Failed>(*result).message,
              testing::HasSubstr("exited with status 5"));
}

TEST_F(ZygotePoolTest, lends_a_controller_its_configured_stage) {
  const auto result = acquire(request({"distributed"}));
  const auto& lease = std::get<ZygotePool::Lease>(*result);
  EXPECT_EQ(lease.zygote->key().stage, Stage::configured);
  EXPECT_TRUE(lease.distributed);
}

TEST_F(ZygotePoolTest, lends_a_refused_stage_once_and_without_fork) {
  Zygote* zygote = lease(request({"refuse:selected"}), false);
  EXPECT_EQ(zygote->key().stage, Stage::selected);
}

TEST_F(ZygotePoolTest, lends_a_refused_stage_to_a_session_wherever_it_is) {
  EXPECT_EQ(lease(request({"refuse:configured"}), false)->key().stage, Stage::configured)
      << "what the project did is not done twice";
}

TEST_F(ZygotePoolTest, leaves_out_a_stage_that_was_refused_before) {
  hand_over(lease(request({"refuse:configured"}), false));
  Zygote* zygote = lease(request({"refuse:configured"}));
  EXPECT_EQ(zygote->key().stage, Stage::selected);
  EXPECT_EQ(zygote->parent()->key().stage, Stage::gathered);
  EXPECT_EQ(zygote->parent()->parent()->key().stage, Stage::started);
  EXPECT_EQ(zygote->parent()->parent()->parent()->key().stage, Stage::interpreter);
}

TEST_F(ZygotePoolTest, builds_the_deepest_stage_of_named_items_when_they_are_named_again) {
  EXPECT_EQ(lease(request({"adopts", "imports:heavy", "a.py::test_a"}))->key().stage,
            Stage::selected)
      << "it may import what is not imported ahead yet";
  run_until([&] { return ready_stages(Stage::configured) == 2; });
  const auto wanted = request({"adopts", "a.py::test_b"});
  Zygote* zygote = lease(wanted);
  EXPECT_TRUE(zygote->is_on_preloaded());
  EXPECT_EQ(zygote->key().stage, Stage::started);
  protocol::StartProcess start;
  start.fork = true;
  start.spec = wanted.spec;
  zygote->start_process(start, std::vector<protocol::Fd>(1), [](pid_t) {});
  EXPECT_EQ(lease(request({"adopts", "a.py::test_c"})), zygote);
  Zygote* deepest = lease(wanted);
  EXPECT_EQ(deepest->key().stage, Stage::selected);
  EXPECT_EQ(deepest->parent(), zygote) << "nobody will want another selection";
}

TEST_F(ZygotePoolTest, builds_what_workers_need_at_once_when_items_are_named) {
  auto wanted = request({"a.py::test_a"}, Flavour::worker);
  Zygote* zygote = lease(wanted);
  EXPECT_EQ(zygote->key().stage, Stage::selected);
  EXPECT_EQ(zygote->parent()->key().stage, Stage::configured);
}

TEST_F(ZygotePoolTest, serves_other_arguments_that_differ_in_nothing_that_was_read) {
  Zygote* first = lease(request({"adopts", "opt:k=a", "opt:v=1", "reads:selected=v"}));
  EXPECT_EQ(lease(request({"adopts", "opt:k=b", "opt:v=1", "reads:selected=v"})), first);
}

TEST_F(ZygotePoolTest, serves_other_arguments_from_the_stage_below_the_one_that_read_what_differs) {
  Zygote* first = lease(request({"adopts", "opt:k=a", "reads:selected=k"}));
  Zygote* second = lease(request({"adopts", "opt:k=b", "reads:selected=k"}));
  EXPECT_NE(first, second);
  EXPECT_EQ(second->key().stage, Stage::selected);
  EXPECT_EQ(second->parent(), first->parent());
  Zygote* third = lease(request({"adopts", "opt:k=b", "opt:later=1"}));
  EXPECT_EQ(third, second) << "what the stage has is its own list's value, not its parent's";
}

TEST_F(ZygotePoolTest, serves_no_other_arguments_from_what_read_the_list_itself) {
  Zygote* first = lease(request({"opt:k=a"}));
  Zygote* second = lease(request({"opt:k=b"}));
  EXPECT_NE(&first->parsed_by(), &second->parsed_by());
}

TEST_F(ZygotePoolTest, starts_anew_for_arguments_that_need_a_start_of_their_own) {
  Zygote* first = lease(request({"adopts"}));
  Zygote* second = lease(request({"adopts", "needs-start"}));
  EXPECT_NE(&first->parsed_by(), &second->parsed_by());
  EXPECT_EQ(lease(request({"adopts", "needs-start"})), second);
}

TEST_F(ZygotePoolTest, asks_once_what_arguments_come_to) {
  const auto brake = directory_ + "/brake";
  Zygote* first = lease(request({"adopts", "ask:" + brake}));
  EXPECT_EQ(lease(request({"adopts", "opt:k=b"})), first);
  std::ofstream(brake) << "on";  // it would not answer again
  EXPECT_EQ(lease(request({"adopts", "opt:k=b"})), first);
}

TEST_F(ZygotePoolTest, asks_again_when_what_the_answer_depended_on_has_changed) {
  const auto path = file("one");
  Zygote* first = lease(request({"adopts"}));
  const std::vector<std::string> args = {"adopts", "looks:" + path.string()};
  EXPECT_EQ(lease(request(args)), first);
  const auto tried = first->parsed_by().tried(args);
  ASSERT_NE(tried, nullptr);
  file("another");
  EXPECT_EQ(lease(request(args)), first);
  EXPECT_NE(first->parsed_by().tried(args), tried);
}

TEST_F(ZygotePoolTest,
       does_not_serve_from_a_stage_whose_arguments_would_come_to_something_else_now) {
  const auto path = file("one");
  lease(request({"adopts", "reads:selected=k"}));
  const std::vector<std::string> args = {"adopts", "opt:k=b", "reads:selected=k",
                                         "looks:" + path.string()};
  Zygote* built = lease(request(args));
  const auto pid = built->pid();
  file("another");
  EXPECT_NE(lease(request(args))->pid(), pid);
}

TEST_F(ZygotePoolTest, starts_anew_when_the_zygote_that_was_asked_is_gone) {
  const auto brake = directory_ + "/brake";
  Zygote* first = lease(request({"adopts", "ask:" + brake}));
  std::ofstream(brake) << "on";
  std::optional<ZygotePool::Result> result;
  pool_.acquire(request({"adopts", "opt:k=b"}),
                [&](ZygotePool::Result one) { result = std::move(one); });
  loop_.run_for_one_round();
  loop_.run_for_one_round();
  kill(first->parsed_by().pid(), SIGKILL);
  run_until([&] { return result.has_value(); });
  ASSERT_NE(std::get_if<ZygotePool::Lease>(&*result), nullptr);
}

TEST_F(ZygotePoolTest, abandons_a_question) {
  const auto brake = directory_ + "/brake";
  lease(request({"adopts", "ask:" + brake}));
  std::ofstream(brake) << "on";
  bool called = false;
  const auto wait =
      pool_.acquire(request({"adopts", "opt:k=b"}), [&](ZygotePool::Result) { called = true; });
  loop_.run_for_one_round();
  loop_.run_for_one_round();
  pool_.abandon(wait);
  std::filesystem::remove(brake);
  lease(request({"adopts", "opt:k=c"}));
  EXPECT_FALSE(called);
}

TEST_F(ZygotePoolTest, lends_a_single_sessions_configured_stage_to_a_controller_and_the_reverse) {
  Zygote* single = lease(request({"adopts"}));
  const auto result = acquire(request({"adopts", "distributed"}));
  const auto& lent = std::get<ZygotePool::Lease>(*result);
  EXPECT_TRUE(lent.distributed);
  EXPECT_EQ(lent.zygote, &single->parsed_by());

  auto elsewhere = request({"adopts", "distributed"});
  elsewhere.spec.directory = "/tmp";
  const auto controller = acquire(elsewhere);
  elsewhere.spec.args = {"adopts"};
  Zygote* from_controller = lease(elsewhere);
  EXPECT_EQ(from_controller->key().stage, Stage::selected);
  EXPECT_EQ(&from_controller->parsed_by(), std::get<ZygotePool::Lease>(*controller).zygote);
}

TEST_F(ZygotePoolTest, builds_for_each_worker_when_the_workers_id_is_read) {
  Zygote* first = lease(request({"identity"}, Flavour::worker));
  auto wanted = request({"identity"}, Flavour::worker);
  wanted.identity.id = "gw1";
  Zygote* second = lease(std::move(wanted));
  EXPECT_NE(first, second);
  EXPECT_EQ(first->parent(), second->parent());
}

TEST_F(ZygotePoolTest, serves_every_worker_from_one_zygote_when_the_id_is_not_read) {
  Zygote* first = lease(request({}, Flavour::worker));
  auto wanted = request({}, Flavour::worker);
  wanted.identity.id = "gw1";
  EXPECT_EQ(lease(std::move(wanted)), first);
}

TEST_F(ZygotePoolTest, builds_again_after_a_zygote_was_killed) {
  Zygote* zygote = lease(request({}));
  const auto killed = zygote->pid();
  kill(killed, SIGKILL);
  run_until([&] { return kill(killed, 0) != 0; });
  run_until([&] { return pool_.status().size() == 4; });
  EXPECT_NE(lease(request({}))->pid(), killed);
}

TEST_F(ZygotePoolTest, lends_no_stage_that_is_about_to_die_with_one_below_it) {
  Zygote* zygote = lease(request({"survives"}));  // for as long as the test needs it
  const auto pid = zygote->pid();
  Zygote* interpreter = zygote;
  while (interpreter->parent()) interpreter = interpreter->parent();
  const auto killed = interpreter->pid();
  kill(killed, SIGKILL);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(killed), &info, WEXITED | WNOWAIT);
  EXPECT_NE(lease(request({"survives"}))->pid(), pid);
}

TEST_F(ZygotePoolTest, kills_a_zygote_that_does_not_answer_and_builds_another) {
  // `configured` is asked about the other arguments, then the interpreter for a fork.
  for (const int below : {3, 4}) {
    ZygotePool impatient(loop_, processes_, "unused", 32, true, {}, std::chrono::milliseconds(200));
    const auto pid_below = [&](const char* argument) {
      Zygote* zygote = nullptr;
      impatient.acquire(request({argument}), [&](ZygotePool::Result result) {
        zygote = std::get<ZygotePool::Lease>(result).zygote;
      });
      run_until([&] { return zygote != nullptr; });
      for (int i = 0; i < below; ++i) zygote = zygote->parent();
      return zygote->pid();
    };
    const auto stopped = pid_below("a");
    kill(stopped, SIGSTOP);
    EXPECT_NE(pid_below("b"), stopped);
    run_until([&] { return kill(stopped, 0) != 0; });
    impatient.kill_all();
    run_until([&] { return impatient.status().empty(); });
  }
}

TEST_F(ZygotePoolTest, kills_a_zygote_that_does_not_start_a_process) {
  ZygotePool impatient(loop_, processes_, "unused", 32, true, {}, std::chrono::milliseconds(200));
  Zygote* zygote = nullptr;
  impatient.acquire(request({}), [&](ZygotePool::Result result) {
    zygote = std::get<ZygotePool::Lease>(result).zygote;
  });
  run_until([&] { return zygote != nullptr; });
  const auto stopped = zygote->pid();
  kill(stopped, SIGSTOP);
  std::optional<pid_t> forked;
  protocol::StartProcess start;
  start.fork = true;
  zygote->start_process(std::move(start), {}, [&](pid_t pid) { forked = pid; });
  run_until([&] { return forked.has_value(); });
  EXPECT_EQ(*forked, 0);
  run_until([&] { return kill(stopped, 0) != 0; });
  impatient.kill_all();
  run_until([&] { return impatient.status().empty(); });
}

TEST_F(ZygotePoolTest, builds_again_what_died_with_the_zygote_below_it) {
  const auto brake = directory_ + "/brake";
  std::ofstream(brake) << "on";
  std::optional<ZygotePool::Result> result;
  pool_.acquire(request({"wait:" + brake}),
                [&](ZygotePool::Result one) { result = std::move(one); });
  run_until([&] { return pool_.status().size() == 5 && pool_.status().back().pid != 0; });
  const auto built = static_cast<pid_t>(pool_.status().back().pid);
  kill(static_cast<pid_t>(pool_.status()[3].pid), SIGKILL);
  run_until([&] { return kill(built, 0) != 0; });
  std::filesystem::remove(brake);
  run_until([&] { return result.has_value(); });
  EXPECT_NE(std::get_if<ZygotePool::Lease>(&*result), nullptr);
}

TEST_F(ZygotePoolTest, ends_a_build_that_nobody_waits_for_any_more) {
  bool called = false;
  const auto wait = pool_.acquire(request({"hang"}), [&](ZygotePool::Result) { called = true; });
  run_until([&] { return pool_.status().size() == 5 && pool_.status().back().pid != 0; });
  pool_.abandon(wait);
  run_until([&] { return pool_.status().size() == 4; });
  EXPECT_FALSE(called);
}

TEST_F(ZygotePoolTest, keeps_no_more_zygotes_than_its_limit) {
  ZygotePool small(loop_, processes_, "unused", 4);
  for (const auto* name : {"a", "b", "c"}) {
    std::optional<ZygotePool::Result> result;
    small.acquire(request({name}), [&](ZygotePool::Result one) { result = std::move(one); });
    run_until([&] { return result.has_value(); });
  }
  run_until([&] { return small.status().size() <= 4; });
  small.kill_all();
  run_until([&] { return small.status().empty(); });
}

// ---- limits

TEST_F(ZygotePoolTest, retires_what_was_used_longest_ago_first) {
  lease(request({"a"}));
  Zygote* second = lease(request({"b"}));
  const auto first_use = second->last_used();
  EXPECT_TRUE(pool_.retire_least_recently_used(first_use, "idle"));
  while (pool_.retire_least_recently_used(first_use, "idle")) {
  }
  run_until([&] { return ready_stages(Stage::selected) == 1; });
  EXPECT_EQ(lease(request({"b"})), second);
}

TEST_F(ZygotePoolTest, does_not_retire_what_a_run_holds) {
  Zygote* zygote = lease(request({}));
  zygote->hold();
  EXPECT_FALSE(pool_.retire_least_recently_used(Clock::time_point::max(), "number"));
  zygote->release();
  EXPECT_TRUE(pool_.retire_least_recently_used(Clock::time_point::max(), "number"));
}

TEST_F(ZygotePoolTest, keeps_within_a_budget_of_memory) {
  lease(request({"a"}));
  lease(request({"b"}));
  EXPECT_GT(pool_.memory(), 0u);
  Housekeeper housekeeper(loop_, pool_, native_pool_, {.memory_bytes = 2 * pool_.memory()});
  housekeeper.look();
  EXPECT_EQ(ready_stages(Stage::selected), 2);
  Housekeeper strict(loop_, pool_, native_pool_, {.memory_bytes = 1});
  strict.look();
  EXPECT_EQ(pool_.memory(), 0u);
  run_until([&] { return pool_.status().empty(); });
}

TEST_F(ZygotePoolTest, retires_what_was_idle_for_too_long) {
  lease(request({}));
  Housekeeper patient(loop_, pool_, native_pool_, {});
  patient.look();
  EXPECT_EQ(ready_stages(Stage::selected), 1);
  Housekeeper impatient(loop_, pool_, native_pool_, {.idle = std::chrono::seconds(0)});
  impatient.look();
  run_until([&] { return pool_.status().empty(); });
}

// ---- rebuilds

TEST_F(ZygotePoolTest, rebuilds_what_was_used_last_when_a_file_has_changed) {
  const auto path = file("one");
  const auto wanted = request({"read:" + path.string()});
  const auto configured = lease(wanted)->parsed_by().pid();
  file("another");
  run_until([&] { return kill(configured, 0) != 0 && ready_stages(Stage::configured) == 1; });
  EXPECT_EQ(ready_stages(Stage::gathered), 0) << "only a run may go on from here";
  const auto all = pool_.status();
  const auto rebuilt = std::find_if(all.begin(), all.end(), [](const auto& each) {
    return each.stage == Stage::configured && each.state == "ready";
  });
  EXPECT_EQ(lease(wanted)->parsed_by().pid(), static_cast<pid_t>(rebuilt->pid));
}

TEST_F(ZygotePoolTest, leaves_the_machine_to_a_run_and_rebuilds_after_it) {
  const auto path = file("one");
  lease(request({"read:" + path.string()}));
  preparer_.run_began();
  file("another");
  // The watcher has seen it when it has seen what came later.
  bool is_seen = false;
  FileWatcher watcher(loop_, [&] { is_seen = true; });
  watcher.watch({directory_});
  file("a third");
  run_until([&] { return is_seen; });
  const auto all = pool_.status();
  EXPECT_TRUE(std::none_of(all.begin(), all.end(),
                           [](const auto& each) { return each.state == "building"; }));
  EXPECT_EQ(ready_stages(Stage::configured), 1) << "nobody has looked again";
  const auto stale = ready_pid(Stage::configured);
  preparer_.run_ended();
  run_until([&] { return kill(stale, 0) != 0 && ready_stages(Stage::configured) == 1; });
}

TEST_F(ZygotePoolTest, keeps_quiet_about_a_rebuild_that_ends_in_an_error) {
  const auto path = file("one");
  const auto once = directory_ + "/crashes";
  const auto wanted = request({"read:" + path.string(), "crash-while:" + once});
  lease(wanted);
  std::ofstream(once) << "now";
  file("another");
  run_until([&] { return ready_stages(Stage::configured) == 0; });
  run_until([&] { return !pool_.is_waited_for(); });
  std::filesystem::remove(once);
  EXPECT_NE(lease(wanted), nullptr);
}

// ---- preloaded

TEST_F(ZygotePoolTest, imports_ahead_what_a_run_imported_when_nobody_waits) {
  lease(request({"imports:heavy"}));
  run_until([&] { return ready_stages(Stage::preloaded) == 1; });
  Zygote* zygote = lease(request({"imports:heavy", "another"}));
  EXPECT_EQ(zygote->parsed_by().parent()->key().stage, Stage::preloaded);
  EXPECT_EQ(zygote->parsed_by().parent()->plan().modules.front().name, "heavy");
  EXPECT_EQ(pool_.interpreters_started(), 1u);
}

TEST_F(ZygotePoolTest, builds_what_was_used_last_anew_on_what_was_imported_ahead) {
  Zygote* first = lease(request({"imports:heavy"}));
  const auto without = first->parsed_by().pid();
  run_until([&] { return ready_stages(Stage::configured) == 2; });
  EXPECT_EQ(lease(request({"imports:heavy"})), first) << "what is deeper still serves";
  for (Zygote* each = first; each != &first->parsed_by(); each = each->parent()) each->retire();
  run_until([&] { return ready_stages(Stage::configured) == 1; });
  Zygote* second = lease(request({"imports:heavy"}));
  EXPECT_NE(second->parsed_by().pid(), without);
  EXPECT_EQ(second->parsed_by().parent()->key().stage, Stage::preloaded);
}

TEST_F(ZygotePoolTest, does_not_let_a_run_wait_for_modules_to_be_imported_ahead) {
  Zygote* zygote = lease(request({"imports:heavy"}));
  EXPECT_EQ(zygote->parsed_by().parent()->key().stage, Stage::interpreter);
  EXPECT_EQ(ready_stages(Stage::preloaded), 0);
}

TEST_F(ZygotePoolTest, remembers_what_was_imported_beyond_its_own_life) {
  lease(request({"imports:heavy"}));
  ImportHistory history(directory_ + "/imports");
  const auto plan = history.plan(request({}).spec);
  ASSERT_EQ(plan.modules.size(), 1u);
  EXPECT_EQ(plan.modules[0].name, "heavy");
}

TEST_F(ZygotePoolTest, builds_without_what_was_imported_ahead_when_it_is_of_no_use) {
  lease(request({"imports:heavy"}));
  run_until([&] { return ready_stages(Stage::preloaded) == 1; });
  Zygote* zygote = lease(request({"imports:heavy", "misfit:heavy"}));
  EXPECT_EQ(zygote->parsed_by().parent()->key().stage, Stage::interpreter);
  run_until([&] { return ready_stages(Stage::preloaded) == 0; });
  ImportHistory history(directory_ + "/imports");
  EXPECT_TRUE(history.plan(request({}).spec).modules.empty()) << "it is not tried again";
}

TEST_F(ZygotePoolTest, leaves_out_what_lies_in_a_rejected_package) {
  ImportHistory history(directory_ + "/imports");
  const auto spec = request({}).spec;
  history.add(spec, {{"a", "/f"}, {"a.b", "/f"}, {"a.b.c", "/f"}, {"ab", "/f"}}, {});
  history.reject(spec, "a.b", "as asked");
  std::vector<std::string> names;
  for (const auto& module : history.plan(spec).modules) names.push_back(module.name);
  EXPECT_THAT(names, testing::ElementsAre("a", "ab"));
}

TEST_F(ZygotePoolTest, imports_ahead_what_a_project_declares_and_nothing_that_it_forbids) {
  ImportHistory history(directory_ + "/imports");
  const auto spec = request({}).spec;
  const auto planned = [&] {
    std::vector<std::string> names;
    for (const auto& module : history.plan(spec).modules) names.push_back(module.name);
    return names;
  };
  history.add(spec, {{"a", "/f"}, {"a.b", "/f"}, {"c", "/f"}}, {"x"}, {{"c", "d"}, {"a.b", "e"}});
  EXPECT_THAT(planned(), testing::ElementsAre("a", "c", "d"));
  EXPECT_THAT(history.plan(spec).excluded, testing::ElementsAre("a.b", "e", "x"));
  history.reject(spec, "d", "as asked");
  EXPECT_THAT(planned(), testing::ElementsAre("a", "c"));
  ASSERT_EQ(history.complaints("/").size(), 1u);
  EXPECT_EQ(history.complaints("/")[0].cause.aspect, "d");
  ImportHistory again(directory_ + "/imports");
  EXPECT_EQ(again.plan(spec), history.plan(spec)) << "it is kept";
  history.declare(spec, {{}, {"*"}});
  EXPECT_EQ(history.plan(spec), ImportHistory::Plan{});
  history.declare(spec, {});
  EXPECT_THAT(planned(), testing::ElementsAre("a", "a.b", "c")) << "it may change its mind";
}

TEST_F(ZygotePoolTest, imports_more_ahead_when_runs_import_more) {
  lease(request({"imports:heavy"}));
  run_until([&] { return ready_stages(Stage::preloaded) == 1; });
  Zygote* before = lease(request({"imports:light"}))->parsed_by().parent();
  ASSERT_EQ(before->key().stage, Stage::preloaded);
  run_until([&] { return before->state() == Zygote::State::retiring; });
  run_until([&] { return ready_stages(Stage::preloaded) == 1; });
  Zygote* after = lease(request({"another"}))->parsed_by().parent();
  EXPECT_EQ(after->key().stage, Stage::preloaded);
  EXPECT_EQ(after->plan().modules.size(), 2u);
}

TEST_F(ZygotePoolTest, begins_its_history_anew_when_it_cannot_be_read) {
  lease(request({"imports:heavy"}));
  for (const auto& each : std::filesystem::directory_iterator(directory_ + "/imports"))
    std::ofstream(each.path()) << "{]";
  ImportHistory history(directory_ + "/imports");
  EXPECT_TRUE(history.plan(request({}).spec).modules.empty());
  history.add(request({}).spec, {{"heavy", "/fake/module.py"}}, {});
  ImportHistory again(directory_ + "/imports");
  EXPECT_EQ(again.plan(request({}).spec).modules.size(), 1u);
}

TEST_F(ZygotePoolTest, forks_a_run_on_the_streams_that_it_gets) {
  Zygote* zygote = lease(request({"print:first "}));
  auto control = protocol::socket_pair();
  auto data = protocol::socket_pair();
  auto out = anonymous_file("out");
  std::vector<protocol::Fd> descriptors;
  descriptors.push_back(std::move(control->second));
  descriptors.push_back(std::move(data->second));
  for (int i = 0; i < 3; ++i) descriptors.push_back(out->duplicate());
  protocol::StartProcess start;
  start.fork = true;
  start.spec.args = {"then"};
  start.printed_stdout = zygote->printed().to_stdout;
  std::optional<int> status;
  zygote->start_process(std::move(start), std::move(descriptors), [&](pid_t pid) {
    processes_.expect(pid, [&](int wait_status) { status = wait_status; });
  });
  run_until([&] { return status.has_value(); });
  EXPECT_EQ(contents(*out), "first <then>");
  EXPECT_EQ(WEXITSTATUS(*status), 7);
  EXPECT_EQ(zygote->served(), 1u);
}

TEST_F(ZygotePoolTest, hands_over_a_stage_that_serves_once_and_builds_another) {
  Zygote* first = lease(request({"once:selected"}), false);
  const auto first_pid = first->pid();
  Zygote* below = first->parent();
  hand_over(first);
  Zygote* second = lease(request({"once:selected"}), false);
  EXPECT_NE(second->pid(), first_pid);
  EXPECT_EQ(second->parent(), below) << "the stage below serves on";
}

TEST_F(ZygotePoolTest, hands_over_what_serves_once_at_the_first_stage_that_does) {
  Zygote* first = lease(request({"once:configured"}), false);
  EXPECT_EQ(first->key().stage, Stage::configured) << "a stage above would be another process";
  const auto first_pid = first->pid();
  const auto interpreter = first->parent()->pid();
  hand_over(first);
  Zygote* second = lease(request({"once:configured"}), false);
  EXPECT_NE(second->pid(), first_pid);
  EXPECT_EQ(second->parent()->pid(), interpreter);
}

TEST_F(ZygotePoolTest, builds_a_worker_past_a_stage_that_serves_once) {
  Zygote* worker =
      lease(request({"once:configured", "once:gathered", "once:selected"}, Flavour::worker), false);
  EXPECT_EQ(worker->key().stage, Stage::selected);
  EXPECT_EQ(worker->parent()->key().stage, Stage::interpreter);
}

TEST_F(ZygotePoolTest, builds_a_stage_that_serves_once_for_each_of_many_that_want_it) {
  std::set<pid_t> taken;
  for (int i = 0; i < 20; ++i) {
    auto wanted = request({"once:configured"}, Flavour::worker);
    wanted.identity.id = "gw" + std::to_string(i);
    pool_.acquire(std::move(wanted), [&](ZygotePool::Result result) {
      Zygote* zygote = std::get<ZygotePool::Lease>(result).zygote;
      taken.insert(zygote->pid());
      hand_over(zygote);
    });
  }
  run_until([&] { return taken.size() == 20; });
}

TEST_F(ZygotePoolTest, forks_again_from_a_stage_that_does_not_serve_once_any_more) {
  hand_over(lease(request({"once:selected"}), false));
  EXPECT_EQ(lease(request({"x"})), lease(request({"x"})));
}

TEST_F(ZygotePoolTest, prepares_another_of_what_serves_once) {
  bool taken = false;
  pool_.acquire(request({"once:configured"}), [&](ZygotePool::Result result) {
    hand_over(std::get<ZygotePool::Lease>(result).zygote);
    taken = true;
  });
  run_until([&] { return taken; });
  EXPECT_EQ(ready_stages(Stage::configured), 0);
  run_until([&] { return ready_stages(Stage::configured) == 1; });
}

TEST_F(ZygotePoolTest, does_not_serve_from_a_stage_after_its_midnight) {
  const auto first = lease(request({"fresh-until:1"}))->pid();
  EXPECT_NE(lease(request({"fresh-until:1"}))->pid(), first);
}

TEST_F(ZygotePoolTest, serves_from_a_stage_before_its_midnight) {
  const auto first = lease(request({"fresh-until:99999999999"}))->pid();
  EXPECT_EQ(lease(request({"fresh-until:99999999999"}))->pid(), first);
}

TEST(StageAge, passes_with_the_time_or_at_midnight_or_when_the_clock_is_set_back) {
  using std::chrono::hours;
  using std::chrono::minutes;
  const auto built = StageAge::Clock::time_point(hours(1000));
  const std::uint64_t midnight = 1001 * 3600 - 1800;
  StageAge age;
  EXPECT_FALSE(age.is_passed(midnight, built, built + minutes(29)));
  EXPECT_TRUE(age.is_passed(midnight, built, built + minutes(30)));
  EXPECT_TRUE(age.is_passed(midnight, built, built - minutes(1)));
  EXPECT_FALSE(age.is_passed(0, built, built + hours(100))) << "nobody looked at the clock";
  age.past_midnight = true;
  EXPECT_FALSE(age.is_passed(midnight, built, built + minutes(60)));
  EXPECT_TRUE(age.is_passed(midnight, built, built + minutes(61)));
}

}  // namespace
}  // namespace hearth::daemon
