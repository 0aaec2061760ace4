#include "scheduler/command_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "scheduler/command_order.h"

namespace hearth::scheduler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Numbers = std::vector<int>;
using Time = CommandPlan::Time;

PlannedCommand command(int number) {
  PlannedCommand made;
  made.number = number;
  return made;
}

// The same numbers in each run.
class Random {
 public:
  unsigned operator()(unsigned below) {
    state_ = state_ * 1664525U + 1013904223U;
    return state_ / 65536U % below;
  }

 private:
  unsigned state_ = 1;
};

class World {
 public:
  World(std::vector<PlannedCommand> commands, CommandLimits limits)
      : commands_(commands), plan(std::move(commands), limits) {}

  Numbers start(double now = 0) {
    Numbers numbers;
    for (const auto& start : plan.start_next(Time(now)))
      numbers.push_back(commands_[start.index].number);
    return numbers;
  }
  void end(int number) {
    for (std::size_t index = 0; index < commands_.size(); ++index) {
      if (commands_[index].number == number) plan.ended(index);
    }
  }
  // One after another, as they come.
  Numbers all() {
    Numbers order;
    while (!plan.is_done()) {
      const Numbers started = start();
      if (started.empty()) return order;
      for (const int number : started) {
        order.push_back(number);
        end(number);
      }
    }
    return order;
  }

 private:
  std::vector<PlannedCommand> commands_;

 public:
  CommandPlan plan;
};

TEST(CommandPlan, with_one_slot_goes_by_cost_then_by_number) {
  auto costly = command(3);
  costly.cost = 2;
  EXPECT_THAT(World({command(2), command(1), costly}, {1}).all(), ElementsAre(3, 1, 2));
}

TEST(CommandPlan, starts_what_others_wait_for_before_them) {
  auto costly = command(1);
  costly.cost = 5;
  costly.depends = {3};
  auto middle = command(3);
  middle.depends = {2, 99};  // there is no 99
  EXPECT_THAT(World({costly, command(2), middle, command(4)}, {1}).all(), ElementsAre(2, 3, 1, 4));
  EXPECT_THAT(World({costly, command(2), middle, command(4)}, {2}).start(), ElementsAre(2, 4));
}

TEST(CommandPlan, with_several_slots_starts_what_failed_last_first) {
  auto failed = command(4);
  failed.failed_last = true;
  auto costly = command(3);
  costly.cost = 1;
  EXPECT_THAT(World({command(1), command(2), costly, failed}, {2}).all(), ElementsAre(4, 3, 1, 2));
}

TEST(CommandPlan, starts_nothing_beside_a_serial_command) {
  auto serial = command(2);
  serial.serial = true;
  World world({command(1), serial, command(3)}, {4});
  EXPECT_THAT(world.start(), ElementsAre(2));  // while nothing runs yet
  EXPECT_THAT(world.start(), IsEmpty());
  world.end(2);
  EXPECT_THAT(world.start(), ElementsAre(1, 3));
}

TEST(CommandPlan, does_not_let_others_pass_a_serial_command_for_ever) {
  auto serial = command(3);
  serial.serial = true;
  serial.depends = {1};
  World world({command(1), command(2), serial, command(4), command(5)}, {2});
  EXPECT_THAT(world.start(), ElementsAre(1, 2));
  world.end(1);
  EXPECT_THAT(world.start(), IsEmpty());  // 4 would hold it up, as nobody knows how long it takes
  world.end(2);
  EXPECT_THAT(world.start(), ElementsAre(3));
  world.end(3);
  EXPECT_THAT(world.start(), ElementsAre(4, 5));
}

TEST(CommandPlan, fills_the_time_before_a_reservation) {
  auto running = command(2);
  running.expected = Time(10);
  running.cost = 10;
  auto wide = command(3);
  wide.slots = 2;
  wide.depends = {1};
  auto brief = command(4);
  brief.expected = Time(3);
  auto lengthy = command(5);
  lengthy.expected = Time(30);
  lengthy.cost = 30;
  lengthy.depends = {1};
  World world({command(1), running, wide, brief, lengthy}, {2});
  EXPECT_THAT(world.start(0), ElementsAre(1, 2));
  world.end(1);
  EXPECT_THAT(world.start(1), ElementsAre(4));  // ends at 4, before 10
  world.end(4);
  EXPECT_THAT(world.start(4), IsEmpty());  // 5 would end at 34
  world.end(2);
  EXPECT_THAT(world.start(11), ElementsAre(3));
}

TEST(CommandPlan, holds_locks_as_long_as_their_command_runs) {
  auto one = command(1);
  one.locks = {"a", "b"};
  auto other = command(2);
  other.locks = {"b"};
  World world({one, other, command(3)}, {3});
  EXPECT_THAT(world.start(), ElementsAre(1, 3));
  world.end(3);
  EXPECT_THAT(world.start(), IsEmpty());
  world.end(1);
  EXPECT_THAT(world.start(), ElementsAre(2));
}

TEST(CommandPlan, gives_a_command_no_more_slots_than_there_are) {
  auto wide = command(1);
  wide.slots = 9;
  World world({wide, command(2)}, {2});
  EXPECT_THAT(world.start(), ElementsAre(1));
  world.end(1);
  EXPECT_THAT(world.start(), ElementsAre(2));
}

TEST(CommandPlan, keeps_a_group_together_and_apart) {
  auto a1 = command(1);
  auto b2 = command(2);
  auto a3 = command(3);
  a1.group = a3.group = "a";
  b2.group = "b";
  World world({a1, b2, a3}, {2, CommandOrder::by_group});
  EXPECT_THAT(world.start(), ElementsAre(1, 2));
  world.end(2);
  EXPECT_THAT(world.start(), IsEmpty());
  world.end(1);
  EXPECT_THAT(world.start(), ElementsAre(3));
}

TEST(CommandPlan, divides_resources) {
  Resources resources;
  resources.add("gpus", "0", 2);
  resources.add("gpus", "1", 4);
  auto one = command(1);
  one.needs = {{0, "gpus", 2}, {1, "gpus", 1}};
  auto other = command(2);
  other.needs = {{0, "gpus", 3}};
  CommandPlan plan({one, other}, {2});
  plan.set_resources(resources);
  const auto starts = plan.start_next(Time(0));
  ASSERT_EQ(starts.size(), 1U);
  ASSERT_EQ(starts[0].resources.size(), 2U);
  EXPECT_EQ(starts[0].resources[0].id, "1");  // the one with most left, and then again
  EXPECT_EQ(starts[0].resources[1].id, "1");
  plan.ended(starts[0].index);
  EXPECT_EQ(plan.start_next(Time(0)).size(), 1U);
}

TEST(CommandPlan, goes_on_without_what_is_dropped) {
  auto waiting = command(2);
  waiting.depends = {1};
  World world({command(1), waiting}, {2});
  world.plan.drop(0);
  EXPECT_THAT(world.start(), ElementsAre(2));
  world.end(2);
  EXPECT_TRUE(world.plan.is_done());
}

TEST(CommandPlan, promises_what_starts_next_whatever_ends) {
  World world({command(1), command(2), command(3), command(4), command(5)}, {2});
  EXPECT_EQ(world.plan.next(), std::nullopt);  // it could start right now
  EXPECT_THAT(world.start(), ElementsAre(1, 2));
  ASSERT_EQ(world.plan.next(), 2U);
  world.plan.promise(2);
  ASSERT_EQ(world.plan.next(), 3U);
  world.plan.promise(3);
  EXPECT_EQ(world.plan.usable_slots(), 0U);
  world.end(2);
  EXPECT_EQ(world.plan.usable_slots(), 1U);
  EXPECT_EQ(world.plan.smallest_ready(), 1U);
  EXPECT_TRUE(world.plan.start_next(Time(0), 0).empty());  // no slot is lent: it is not forgotten
  EXPECT_THAT(world.start(), ElementsAre(3));
  world.end(1);
  world.end(3);
  EXPECT_THAT(world.start(), ElementsAre(4, 5));
}

TEST(CommandPlan, promises_nothing_that_would_pass_what_becomes_ready) {
  auto waiting = command(2);
  waiting.depends = {1};
  waiting.cost = 9;  // and with it what it waits for goes first
  World world({command(1), waiting, command(3), command(4)}, {1});
  EXPECT_THAT(world.start(), ElementsAre(1));
  EXPECT_EQ(world.plan.next(), std::nullopt);
  world.end(1);
  EXPECT_THAT(world.start(), ElementsAre(2));
  EXPECT_EQ(world.plan.next(), 2U);
}

TEST(CommandPlan, starts_in_the_same_order_with_promises) {
  Random random;
  for (int round = 0; round < 300; ++round) {
    std::vector<PlannedCommand> commands;
    for (int number = 1; number <= 20; ++number) {
      auto made = command(number);
      made.cost = random(4);
      made.serial = random(9) == 0;
      if (random(9) == 0) made.locks = {"lock"};
      if (number > 1 && random(2) == 0) made.depends = {1 + static_cast<int>(random(number - 1))};
      commands.push_back(made);
    }
    World plain(commands, {1});
    World promising(commands, {1});
    while (!plain.plan.is_done()) {
      const Numbers started = plain.start();
      ASSERT_EQ(promising.start(), started) << "round " << round;
      while (const auto next = promising.plan.next()) promising.plan.promise(*next);
      for (const int number : started) {
        plain.end(number);
        promising.end(number);
      }
    }
  }
}

TEST(CommandPlan, promises_nothing_that_hangs_on_what_ends) {
  auto locked = command(2);
  locked.locks = {"lock"};
  auto serial = command(2);
  serial.serial = true;
  auto needing = command(2);
  needing.needs = {{0, "gpus", 1}};
  auto depending = command(2);
  depending.depends = {1};
  for (const auto& other : {locked, serial, needing, depending}) {
    World world({command(1), other, command(3)}, {1});
    world.start();
    const auto next = world.plan.next();
    EXPECT_TRUE(!next || *next != 1U) << "it may have to wait longer";
  }
  World alone({serial, command(3)}, {2});
  EXPECT_THAT(alone.start(), ElementsAre(2));
  EXPECT_EQ(alone.plan.next(), std::nullopt);

  auto first = command(1);
  auto second = command(2);
  auto wide = command(3);
  first.failed_last = second.failed_last = true;  // these go first
  wide.slots = 2;
  World full({first, second, wide}, {2});
  EXPECT_THAT(full.start(), ElementsAre(1, 2));
  EXPECT_EQ(full.plan.next(), std::nullopt);
}

TEST(CommandPlan, runs_every_command_once_whatever_they_want) {
  Random random;
  for (int round = 0; round < 300; ++round) {
    std::vector<PlannedCommand> commands;
    const unsigned slots = 1 + random(4);
    for (int number = 1; number <= 30; ++number) {
      auto made = command(number);
      made.cost = random(5);
      made.expected = Time(random(4));
      made.slots = 1 + random(5);
      made.serial = random(6) == 0;
      made.failed_last = random(5) == 0;
      if (random(3) == 0) made.locks = {std::string(1, static_cast<char>('a' + random(3)))};
      if (number > 1 && random(3) == 0) made.depends = {1 + static_cast<int>(random(number - 1))};
      commands.push_back(made);
    }
    CommandPlan plan(commands, {slots});
    std::set<std::size_t> running;
    std::set<std::size_t> ended;
    double now = 0;
    while (!plan.is_done()) {
      for (const auto& start : plan.start_next(Time(now))) {
        ASSERT_TRUE(running.insert(start.index).second);
        ASSERT_FALSE(ended.contains(start.index));
      }
      ASSERT_FALSE(running.empty()) << "round " << round << ": nothing runs, and it is not done";
      std::size_t used = 0;
      for (const std::size_t index : running) {
        used += std::min(commands[index].slots, slots);
        ASSERT_TRUE(!commands[index].serial || running.size() == 1);
        for (const int dependency : commands[index].depends)
          ASSERT_TRUE(ended.contains(static_cast<std::size_t>(dependency) - 1));
      }
      ASSERT_LE(used, slots);
      while (const auto next = random(2) == 0 ? plan.next() : std::nullopt) plan.promise(*next);
      const auto which = std::next(running.begin(), random(static_cast<unsigned>(running.size())));
      ended.insert(*which);
      plan.ended(*which);
      running.erase(which);
      now += 1;
    }
    ASSERT_EQ(ended.size(), commands.size());
  }
}

TEST(CommandsInCircles, are_named) {
  auto one = command(1);
  one.depends = {2};
  auto two = command(2);
  two.depends = {1};
  auto behind = command(3);
  behind.depends = {1};
  auto before = command(4);
  two.depends.push_back(4);
  EXPECT_THAT(commands_in_circles({one, two, behind, before}), ElementsAre(1, 2));
  EXPECT_THAT(commands_in_circles({command(1), behind}), IsEmpty());
}

TEST(Resources, that_can_never_be_had_are_named) {
  Resources resources;
  resources.add("gpus", "0", 2);
  const auto lacks = resources.lacks({{0, "gpus", 3}, {0, "boards", 1}});
  ASSERT_EQ(lacks.size(), 2U);
  EXPECT_EQ(lacks[0].type, "boards");
  EXPECT_FALSE(lacks[0].exists);
  EXPECT_EQ(lacks[1].type, "gpus");
  EXPECT_TRUE(lacks[1].exists);
}

}  // namespace
}  // namespace hearth::scheduler
