// Which cause is given for each stage that did not serve a run.
#include "daemon/explanations.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>

#include "daemon/housekeeper.h"
#include "protocol/signature.h"
#include "zygote_pool_fixture.h"

namespace hearth::daemon {
namespace {

using testing::ElementsAre;

std::string told(const protocol::StageAccount& account) {
  const auto& cause = account.cause;
  std::string text = fmt::format("{}: {}", to_string(account.stage), to_string(cause.kind));
  for (const auto* part :
       {&cause.subject, &cause.aspect, &cause.before, &cause.after, &cause.place}) {
    if (!part->empty()) text += " " + *part;
  }
  return text;
}

std::vector<std::string> told(const std::vector<protocol::StageAccount>& account) {
  std::vector<std::string> all;
  for (const auto& each : account) all.push_back(told(each));
  return all;
}

class ExplanationTest : public ZygotePoolTest {
 protected:
  // What a run of this request has, before anything is built for it.
  std::vector<std::string> run(const ProcessRequest& wanted) {
    pool_.explanations().run_began(wanted.spec);
    acquire(wanted);
    const auto last = pool_.explanations().last_run(wanted.spec.directory);
    EXPECT_EQ(last.flavours.size(), 1u);
    return last.flavours.empty() ? std::vector<std::string>{} : told(last.flavours[0].stages);
  }
  std::vector<std::string> run(std::vector<std::string> args) { return run(request(args)); }
};

TEST_F(ExplanationTest, of_a_first_run_is_that_there_was_nothing) {
  EXPECT_THAT(run({"a"}), ElementsAre("selected: first_use", "gathered: first_use",
                                      "started: first_use", "configured: first_use",
                                      "preloaded: first_use", "interpreter: first_use"));
}

TEST_F(ExplanationTest, of_a_warm_run_is_the_stage_that_served) {
  run({"a"});
  EXPECT_THAT(run({"a"}), ElementsAre("selected: served"));
}

TEST_F(ExplanationTest, names_the_file_that_changed_and_how) {
  const auto path = file("one").string();
  run({"read:" + path});
  file("three");
  const auto changed = "file " + path + " size 3 5";
  EXPECT_THAT(run({"read:" + path}),
              ElementsAre("selected: " + changed, "gathered: " + changed, "started: " + changed,
                          "configured: " + changed, "preloaded: first_use", "interpreter: served"));
}

TEST_F(ExplanationTest, names_the_file_that_was_found_changed_in_the_background) {
  const auto path = file("one").string();
  run({"read:" + path});
  file("three");
  pool_.prepare(request({"read:" + path}), Stage::configured);
  run_until([&] { return ready_stages(Stage::configured) == 1 && !pool_.is_waited_for(); });
  const auto changed = "file " + path + " size 3 5";
  EXPECT_THAT(run({"read:" + path}),
              ElementsAre("selected: " + changed, "gathered: " + changed, "started: " + changed,
                          "configured: served rebuilt"));
}

TEST_F(ExplanationTest, forgets_why_a_stage_ended_that_was_built_again) {
  const auto path = file("one").string();
  run({"read:" + path});
  file("three");
  run({"read:" + path});
  kill(ready_pid(Stage::selected), SIGKILL);
  run_until([&] { return ready_stages(Stage::selected) == 0; });
  EXPECT_THAT(run({"read:" + path}),
              ElementsAre(testing::StartsWith("selected: lost"), "gathered: served"));
}

TEST_F(ExplanationTest, names_the_variable_and_both_values) {
  run({"variable:A"});
  auto other = request({"variable:A"});
  other.spec.environment = {"A=2"};
  EXPECT_THAT(run(other), ElementsAre("selected: variable A value 1 2", "gathered: served"));
}

TEST_F(ExplanationTest, names_the_variable_also_when_the_stage_that_read_it_has_ended) {
  run({"variable:A"});
  ASSERT_TRUE(pool_.retire_least_recently_used(Clock::time_point::max(), "idle"));
  auto other = request({"variable:A"});
  other.spec.environment = {};
  EXPECT_THAT(run(other), ElementsAre("selected: variable A unset 1", "gathered: served"));
}

TEST_F(ExplanationTest, names_the_option_its_values_and_who_read_it) {
  run({"adopts", "opt:k=x", "reads:selected=k"});
  EXPECT_THAT(run({"adopts", "opt:k=y", "reads:selected=k"}),
              ElementsAre("selected: option k x y fake.py:2", "gathered: served"));
}

TEST_F(ExplanationTest, says_that_arguments_need_a_start_of_their_own) {
  run({"adopts"});
  EXPECT_THAT(run({"adopts", "needs-start"}),
              ElementsAre("selected: arguments as asked", "gathered: arguments as asked",
                          "started: arguments as asked", "configured: arguments as asked",
                          "preloaded: first_use", "interpreter: served"));
}

TEST_F(ExplanationTest, names_what_refused_the_stage) {
  run({"refuse:selected"});
  run_until([&] { return pool_.status().back().stage == Stage::gathered; });  // nobody has taken it
  EXPECT_THAT(run({"refuse:selected"}),
              ElementsAre("selected: refused refused as asked recorder", "gathered: served"));
}

TEST_F(ExplanationTest, names_what_made_a_stage_serve_once_also_for_those_above_it) {
  run({"once:gathered"});
  const auto once = std::string("serves_once as asked identity /a.py:1");
  hand_over(lease(request({"once:gathered"}), false));
  EXPECT_THAT(run({"once:gathered"}),
              ElementsAre("selected: " + once, "gathered: " + once, "started: served"));
  EXPECT_THAT(run({"once:gathered"}), ElementsAre("selected: " + once, "gathered: served"))
      << "nobody has taken the last one";
}

TEST_F(ExplanationTest, names_what_else_a_start_depends_on) {
  run({"a"});
  auto other = request({"a"});
  other.spec.umask = 022;
  EXPECT_THAT(run(other), testing::Contains("configured: surroundings umask 000 022"));
  other.spec.environment.emplace_back("LANG=C");
  EXPECT_THAT(run(other), testing::Contains("configured: variable LANG set C"));
  EXPECT_THAT(run({"a"}), ElementsAre("selected: served"));
}

TEST_F(ExplanationTest, says_that_the_clock_has_gone_on) {
  const auto tomorrow = std::chrono::system_clock::now() + std::chrono::hours(24);
  const auto midnight =
      std::chrono::duration_cast<std::chrono::seconds>(tomorrow.time_since_epoch()).count();
  ZygotePool pool(loop_, processes_, "unused", 32, true, StageAge{.greatest = {}});
  const auto wanted = request({"fresh-until:" + std::to_string(midnight)});
  for (int i = 0; i < 2; ++i) {
    bool is_done = false;
    pool.explanations().run_began(wanted.spec);
    pool.acquire(wanted, [&](const ZygotePool::Result&) { is_done = true; });
    run_until([&] { return is_done; });
  }
  EXPECT_THAT(told(pool.explanations().last_run("/").flavours[0].stages),
              ElementsAre("selected: too_old", "gathered: too_old", "started: too_old",
                          "configured: too_old", "preloaded: first_use", "interpreter: served"));
  pool.kill_all();
  run_until([&] { return pool.status().empty(); });
}

TEST_F(ExplanationTest, says_why_a_stage_was_given_up) {
  run({"a"});
  Housekeeper(loop_, pool_, native_pool_, {.memory_bytes = 1}).look();
  run_until([&] { return pool_.status().empty(); });
  EXPECT_THAT(run({"a"}), testing::Contains("selected: evicted memory"));
  Housekeeper(loop_, pool_, native_pool_, {.idle = std::chrono::seconds(0)}).look();
  run_until([&] { return pool_.status().empty(); });
  EXPECT_THAT(run({"a"}), testing::Contains("selected: evicted idle"));
}

TEST_F(ExplanationTest, says_that_a_process_was_killed) {
  run({"a"});
  const auto killed = ready_pid(Stage::selected);
  kill(killed, SIGKILL);
  run_until([&] { return kill(killed, 0) != 0; });
  EXPECT_THAT(run({"a"}), ElementsAre("selected: lost was killed by SIGKILL", "gathered: served"));
}

TEST_F(ExplanationTest, says_that_the_command_ended_before_the_stage) {
  run({"end:4"});
  EXPECT_THAT(run({"end:4"}),
              ElementsAre("selected: ended exited with status 4", "gathered: served"));
}

TEST_F(ExplanationTest, of_a_controller_has_nothing_to_say_of_stages_that_it_never_reaches) {
  EXPECT_THAT(run({"distributed"}), ElementsAre("configured: first_use", "preloaded: first_use",
                                                "interpreter: first_use"));
  EXPECT_THAT(run({"distributed"}), ElementsAre("configured: served"));
}

TEST_F(ExplanationTest, of_workers_is_that_of_the_first) {
  const auto wanted = request({"a"}, Flavour::worker);
  pool_.explanations().run_began(wanted.spec);
  acquire(wanted);
  acquire(wanted);
  const auto last = pool_.explanations().last_run("/");
  ASSERT_EQ(last.flavours.size(), 1u);
  EXPECT_EQ(last.flavours[0].flavour, Flavour::worker);
  EXPECT_EQ(told(last.flavours[0].stages).front(), "selected: first_use");
}

TEST(Explanations, know_the_last_run_of_each_directory) {
  const auto spec = [](const char* directory, const char* argument) {
    protocol::ProcessSpec wanted;
    wanted.directory = directory;
    wanted.args = {argument};
    return wanted;
  };
  Explanations explanations;
  EXPECT_FALSE(explanations.last_run("/a").found);
  EXPECT_EQ(explanations.last_run("/a").directory, "");
  for (const auto* argument : {"old", "new"}) explanations.run_began(spec("/a", argument));
  explanations.run_began(spec("/b", "x"));
  EXPECT_THAT(explanations.last_run("/a").args, ElementsAre("new"));
  EXPECT_FALSE(explanations.last_run("/c").found);
  EXPECT_EQ(explanations.last_run("/c").directory, "/b");
  for (int i = 0; i < 64; ++i) explanations.run_began(spec(("/" + std::to_string(i)).c_str(), "x"));
  EXPECT_FALSE(explanations.last_run("/b").found) << "it does not grow for ever";
}

// ---- what comes again and again

TEST_F(ExplanationTest, complains_of_what_refuses_a_stage_or_makes_it_serve_once) {
  auto& memory = pool_.memory_of_stages();
  EXPECT_TRUE(memory.complaints("/").empty());
  run({"refuse:selected"});
  run({"once:gathered"});
  const auto found = memory.complaints("/any/project");
  std::vector<std::string> all;
  for (const auto& each : found) all.push_back(told({each.stage, each.cause}));
  EXPECT_THAT(all, ElementsAre("selected: refused refused as asked recorder",
                               "gathered: serves_once as asked identity /a.py:1"));
}

TEST_F(ExplanationTest, complains_no_more_when_the_file_has_changed) {
  const auto path = file("one").string();
  run({"refuse:selected", "read:" + path});
  EXPECT_EQ(pool_.memory_of_stages().complaints("/").size(), 1u);
  file("three");
  EXPECT_TRUE(pool_.memory_of_stages().complaints("/").empty());
}

TEST_F(ExplanationTest, complains_of_a_variable_that_differed_in_several_runs) {
  auto wanted = request({"variable:A"});
  for (const auto* entry : {"A=1", "A=2"}) {
    wanted.spec.environment = {entry};
    run(wanted);
  }
  EXPECT_TRUE(pool_.explanations().complaints("/").empty()) << "once is no habit";
  wanted.spec.environment = {"A=3"};
  run(wanted);
  const auto found = pool_.explanations().complaints("/");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].stage, Stage::selected);
  EXPECT_EQ(found[0].cause.subject, "A");
  EXPECT_EQ(found[0].times, 2u);
  EXPECT_TRUE(pool_.explanations().knows("/any/project"));
}

TEST(Project, is_whatever_lies_in_one_directory) {
  EXPECT_TRUE(are_of_one_project("/a/b", "/a"));
  EXPECT_TRUE(are_of_one_project("/a", "/a/b"));
  EXPECT_TRUE(are_of_one_project("/a", "/a"));
  EXPECT_TRUE(are_of_one_project("/", "/a"));
  EXPECT_FALSE(are_of_one_project("/a/b", "/a/c"));
  EXPECT_FALSE(are_of_one_project("/ab", "/a"));
}

// ---- files

class ChangeTest : public testing::Test {
 protected:
  ChangeTest() { write("three"); }
  ~ChangeTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& text) { std::ofstream(path_) << text; }

  // How what happens between a look and the next is told.
  std::string change(const std::string& path, protocol::Look look,
                     const std::function<void()>& happens) {
    Trace trace;
    trace.add({protocol::take_signature(path, look)});
    happens();
    const auto cause = trace.first_difference();
    if (!cause) return "nothing";
    EXPECT_EQ(cause->subject, path);
    return cause->aspect + " " + cause->before + " " + cause->after;
  }
  std::string change(const std::function<void()>& happens) {
    return change(path_, protocol::Look::content, happens);
  }

  static std::string new_directory() {
    char name[] = "/tmp/hearth-change-test-XXXXXX";
    return mkdtemp(name);
  }
  std::string directory_ = new_directory();
  std::string path_ = directory_ + "/a.txt";
};

TEST_F(ChangeTest, of_a_file_is_told_by_what_differs_first) {
  EXPECT_EQ(change([&] { write("seven++"); }), "size 5 7");
  EXPECT_EQ(change([&] { write("other++"); }), "content  ");
  EXPECT_EQ(change([&] { std::filesystem::permissions(path_, std::filesystem::perms(0600)); }),
            "mode 644 600");
  EXPECT_EQ(change([&] { std::filesystem::remove(path_); }), "kind file absent");
  EXPECT_EQ(change([&] { std::filesystem::create_directory(path_); }), "kind absent directory");
}

TEST_F(ChangeTest, of_a_directory_is_its_listing) {
  EXPECT_EQ(change(directory_, protocol::Look::content,
                   [&] { std::ofstream(directory_ + "/new.txt") << "x"; }),
            "listing  ");
}

TEST_F(ChangeTest, of_a_directory_gives_way_to_that_of_a_file_in_it) {
  const auto looked_for = directory_ + "/new.txt";
  Trace trace;
  trace.add({protocol::take_signature(directory_, protocol::Look::content),
             protocol::take_signature(looked_for, protocol::Look::status)});
  std::ofstream(looked_for) << "x";
  EXPECT_EQ(trace.first_difference()->subject, looked_for);
}

TEST_F(ChangeTest, of_a_link_is_its_target) {
  const auto link = directory_ + "/link";
  std::filesystem::create_symlink("a.txt", link);
  EXPECT_EQ(change(link, protocol::Look::link,
                   [&] {
                     std::filesystem::remove(link);
                     std::filesystem::create_symlink("b.txt", link);
                   }),
            "target  ");
}

}  // namespace
}  // namespace hearth::daemon
