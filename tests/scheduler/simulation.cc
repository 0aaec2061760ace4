#include "tests/scheduler/simulation.h"

#include <type_traits>

#include "tests/scheduler/text.h"

namespace hearth::scheduler {

Simulation::Simulation(Plan plan)
    : plan_(std::move(plan)),
      random_(plan_.seed),
      scheduler_(Config{plan_.slots, plan_.quantum}),
      checks_(scheduler_) {
  for (const Behaviour& behaviour : plan_.runs) {
    behaviours_[behaviour.run.run] = &behaviour;
    at(behaviour.submitted_at, [this, &behaviour] { tell(behaviour.run); });
    if (behaviour.cancelled_at) {
      at(*behaviour.cancelled_at, [this, &behaviour] { tell(RunCancelled{behaviour.run.run}); });
    }
  }
  for (const auto& [time, slots] : plan_.slot_changes) {
    at(time, [this, count = slots] { tell(SlotsChanged{count}); });
  }
  std::uint64_t session = 1000;
  for (const auto& [from, to] : plan_.sessions) {
    at(from, [this, id = RunId{session}] { tell(SessionStarted{id}); });
    at(to, [this, id = RunId{session}] { tell(SessionEnded{id}); });
    ++session;
  }
  for (const Time time : plan_.kills) at(time, [this] { kill_someone(); });
}

void Simulation::run() {
  while (!happenings_.empty()) {
    const auto what = happenings_.top().what;
    now_ = happenings_.top().time;
    happenings_.pop();
    what();
  }
}

void Simulation::at(Time time, std::function<void()> what) {
  happenings_.push({time, happened_++, std::move(what)});
}

void Simulation::tell(const Event& event) {
  checks_.before(event, now_);
  const auto commands = scheduler_.step(event, now_);
  ++steps_;
  commands_ += commands.size();
  for (const Command& command : commands) {
    for (const char letter : text::format(command.action)) {
      digest_ = (digest_ ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
    }
  }
  checks_.after(event, commands, now_);
  for (const Command& command : commands) carry_out(command.action);
}

void Simulation::carry_out(const Action& action) {
  const auto key = [](const auto& command) { return Key{command.run, command.worker}; };
  std::visit(
      [&](const auto& command) {
        using Kind = std::decay_t<decltype(command)>;
        if constexpr (std::is_same_v<Kind, StartWorker>) {
          SimulatedWorker& worker = workers_[key(command)];
          worker.run = command.run;
          worker.id = command.worker;
          at(now_ + between(Duration::zero(), 10 * plan_.delay), [this, &worker] {
            if (worker.is_gone) return;
            if (chance(behaviours_.at(worker.run)->dying_at_start)) return die(worker);
            worker.is_up = true;
            say(worker, WorkerStarted{worker.run, worker.id});
            go_on(worker);
          });
        } else if constexpr (std::is_same_v<Kind, AssignItems>) {
          to_worker(key(command), [items = command.items](SimulatedWorker& worker) {
            worker.queue.insert(worker.queue.end(), items.begin(), items.end());
          });
        } else if constexpr (std::is_same_v<Kind, RevokeItems>) {
          to_worker(key(command), [items = command.items](SimulatedWorker& worker) {
            worker.to_revoke.push_back(items);
          });
        } else if constexpr (std::is_same_v<Kind, ResumeWorker>) {
          to_worker(key(command), [](SimulatedWorker& worker) {
            worker.has_slot = true;
            worker.must_pause = false;
          });
        } else if constexpr (std::is_same_v<Kind, PauseWorker>) {
          to_worker(key(command), [](SimulatedWorker& worker) { worker.must_pause = true; });
        } else if constexpr (std::is_same_v<Kind, FinishWorker>) {
          to_worker(key(command), [](SimulatedWorker& worker) { worker.no_more = true; });
        } else if constexpr (std::is_same_v<Kind, StopWorker>) {
          to_worker(key(command), [](SimulatedWorker& worker) { worker.must_stop = true; });
        } else if constexpr (std::is_same_v<Kind, WakeAt>) {
          at(std::max(command.time, now_), [this, mine = ++timer_] {
            if (mine == timer_) tell(TimePassed{});
          });
        }
      },
      action);
}

void Simulation::to_worker(Key key, std::function<void(SimulatedWorker&)> change) {
  SimulatedWorker& worker = workers_.at(key);
  worker.heard_until = std::max(worker.heard_until, now_ + between(Duration::zero(), plan_.delay));
  at(worker.heard_until, [this, &worker, change = std::move(change)] {
    if (worker.is_gone) return;
    change(worker);
    go_on(worker);
  });
}

void Simulation::say(SimulatedWorker& worker, Event event) {
  worker.said_until = std::max(worker.said_until, now_ + between(Duration::zero(), plan_.delay));
  at(worker.said_until, [this, event = std::move(event)] { tell(event); });
}

void Simulation::go_on(SimulatedWorker& worker) {
  while (worker.may_answer()) {
    const auto given = worker.give_back(worker.to_revoke.front());
    worker.to_revoke.erase(worker.to_revoke.begin());
    say(worker, ItemsRevoked{worker.run, worker.id, given});
  }
  if (worker.is_at_end() && (worker.must_stop || worker.has_slot || plan_.ends_while_paused)) {
    // A pause that comes with the end is answered by some workers and overtaken by the end of
    // others.
    if (!worker.must_pause || worker.must_stop || plan_.ends_while_paused)
      return end_session(worker);
  }
  if (worker.may_pause()) {
    worker.has_slot = false;
    worker.must_pause = false;
    say(worker, WorkerPaused{worker.run, worker.id});
  }
  if (worker.may_start_item()) start_item(worker);
}

void Simulation::start_item(SimulatedWorker& worker) {
  const Behaviour& behaviour = *behaviours_.at(worker.run);
  const ItemId item = worker.queue.front();
  worker.executing = item;
  worker.promised.reset();
  if (worker.queue.size() >= 2) worker.promised = worker.queue[1];
  checks_.item_starts(worker, now_);
  say(worker, ItemStarted{worker.run, worker.id, item});
  const Duration duration = between(behaviour.shortest, behaviour.longest);
  if (chance(behaviour.overdue)) {
    at(now_ + duration, [this, &worker] { die(worker, true); });
    return;
  }
  if (chance(behaviour.dying_in_item)) {
    at(now_ + duration, [this, &worker] { die(worker); });
    return;
  }
  at(now_ + duration, [this, &worker, &behaviour, item, duration] {
    if (worker.is_gone) return;
    worker.executing.reset();
    worker.queue.pop_front();
    checks_.item_ends(worker, item, now_);
    say(worker,
        ItemFinished{worker.run, worker.id, item, duration, chance(behaviour.failing) ? 1U : 0U});
    if (chance(behaviour.fatal)) say(worker, WorkerFailed{worker.run, worker.id, 1, true});
    go_on(worker);
  });
}

void Simulation::end_session(SimulatedWorker& worker) {
  worker.is_ending = true;
  if (chance(behaviours_.at(worker.run)->dying_at_end)) return die(worker);
  at(now_ + between(Duration::zero(), 10 * plan_.delay), [this, &worker] {
    if (worker.is_gone) return;
    worker.is_gone = true;
    say(worker, WorkerExited{worker.run, worker.id, true});
  });
}

void Simulation::die(SimulatedWorker& worker, bool was_overdue) {
  if (worker.is_gone) return;
  worker.is_gone = true;
  checks_.worker_dies(worker);
  say(worker, WorkerExited{worker.run, worker.id, false, was_overdue});
}

void Simulation::kill_someone() {
  std::vector<SimulatedWorker*> living;
  for (auto& [key, worker] : workers_) {
    if (!worker.is_gone) living.push_back(&worker);
  }
  if (!living.empty()) die(*living[random_() % living.size()]);
}

bool Simulation::chance(double probability) {
  return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

Duration Simulation::between(Duration least, Duration most) {
  if (most <= least) return least;
  return least + Duration(static_cast<Duration::rep>(
                     random_() % static_cast<std::uint64_t>((most - least).count() + 1)));
}

}  // namespace hearth::scheduler
