#include "daemon/zygote_pool.h"

#include <algorithm>
#include <utility>

#include "daemon/log.h"
#include "daemon/stage_accounts.h"

namespace hearth::daemon {
namespace {

using protocol::CauseKind;
using protocol::Stage;

// How many stages one acquire() may have built before it gives up: each start takes five, and what
// is built is of no use when files change all the time.
constexpr int max_builds = 12;

// ": <the last line of a text>", or nothing.
std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of(" \n");
  if (end == std::string::npos) return {};
  const auto newline = text.rfind('\n', end);
  const auto begin = newline == std::string::npos ? 0 : newline + 1;
  return ": " + text.substr(begin, end + 1 - begin);
}

}  // namespace

ZygotePool::ZygotePool(EventLoop& loop, ProcessTable& processes, std::string zygote_program,
                       std::size_t limit, bool verify, StageAge age, Clock::duration fork_patience)
    : loop_(loop),
      processes_(processes),
      zygote_program_(std::move(zygote_program)),
      limit_(limit),
      verify_(verify),
      age_(age),
      fork_patience_(fork_patience) {}

ZygotePool::WaitId ZygotePool::acquire(ProcessRequest request, Callback callback) {
  return add_waiter(std::move(request), Stage::selected, std::move(callback)).id;
}

ZygotePool::Waiter& ZygotePool::add_waiter(ProcessRequest request, Stage target,
                                           Callback callback) {
  auto waiter = std::make_unique<Waiter>();
  waiter->id = WaitId{next_wait_++};
  waiter->request = std::move(request);
  waiter->callback = std::move(callback);
  waiter->target = target;
  auto& added = *waiters_.emplace_back(std::move(waiter));
  loop_.defer([this, id = added.id] {
    if (auto* waiting = find(id)) advance(*waiting);
  });
  return added;
}

ZygotePool::Waiter* ZygotePool::find(WaitId id) {
  const auto it = std::find_if(waiters_.begin(), waiters_.end(),
                               [&](const auto& each) { return each->id == id; });
  return it == waiters_.end() ? nullptr : it->get();
}

void ZygotePool::abandon(WaitId wait) {
  const auto it = std::find_if(waiters_.begin(), waiters_.end(),
                               [&](const auto& each) { return each->id == wait; });
  if (it == waiters_.end()) return;
  Zygote* building = (*it)->building;
  waiters_.erase(it);
  const bool wanted = std::any_of(waiters_.begin(), waiters_.end(),
                                  [&](const auto& each) { return each->building == building; });
  if (building && !wanted && building->state() == Zygote::State::building) building->kill();
}

std::optional<Stage> ZygotePool::awaited_stage(WaitId wait) const {
  for (const auto& waiter : waiters_) {
    if (waiter->id == wait && waiter->building) return waiter->building->key().stage;
  }
  return std::nullopt;
}

// What a run has without waiting for anything that is built for it. Not of what is built for later.
void ZygotePool::take_account(Waiter& waiter, const Zygote* served) {
  if (!waiter.callback || !waiter.account.empty()) return;
  waiter.account = account_of_stages(waiter.request, served, zygotes_, memory_);
}

void ZygotePool::advance(Waiter& waiter) {
  waiter.building = nullptr;
  waiter.asked = nullptr;
  if (ending_) {
    finish(waiter, Failed{"hearthd was stopped; run it again"});
    return;
  }
  if (waiter.builds > max_builds) {
    finish(waiter, Failed{"the files of this project change faster than they can be loaded; run it "
                          "again when they rest"});
    return;
  }
  Zygote* from = nullptr;
  for (const auto stage : stages_deepest_first) {
    if (stage > waiter.target) continue;
    if (stage < Stage::configured && waiter.target > stage && ask_about_arguments(waiter)) return;
    if (stage == Stage::preloaded && !waiter.preloaded_may_serve) continue;
    if (stage == Stage::preloaded && waiter.target != stage &&
        memory_.is_without_preloaded(waiter.request))
      continue;
    Zygote* zygote = usable_zygote(waiter, stage);
    if (!zygote) continue;
    take_account(waiter, zygote);
    if (zygote->state() == Zygote::State::building) {
      waiter.building = zygote;
      return;
    }
    const auto tried = zygote->parsed_by().tried(waiter.request.spec.args);
    const bool distributed = tried && tried->distributed();
    if (stage == waiter.target || distributed) {
      const bool may_fork = zygote->state() == Zygote::State::ready && !zygote->serves_once();
      finish(waiter, Lease{zygote, may_fork, distributed});
      return;
    }
    const bool is_refused = zygote->state() == Zygote::State::refused;
    if (!is_refused && !zygote->serves_once()) {
      if (is_deep_enough(*zygote, waiter)) {
        finish(waiter, Lease{zygote, true, false});
        return;
      }
      from = zygote;
      break;
    }
    // It goes on as the process that it is. A session does so from here: what the project has done
    // on the way is not done again. A worker has to tell first what it collected: it is built past
    // this stage.
    if (waiter.request.flavour == protocol::Flavour::session && waiter.callback) {
      finish(waiter, Lease{zygote, false, false});
      return;
    }
    if (!is_refused) memory_.refused(*zygote);
    waiter.skips_stages = true;
    zygote->kill();
  }
  take_account(waiter, from);
  if (!from) {
    build(waiter, nullptr, Stage::interpreter);
    return;
  }
  Stage next = waiter.target;
  for (const auto stage : stages_deepest_first) {
    if (stage <= from->key().stage) break;
    // `preloaded` is never on a run's way: it takes longer to build than it saves once.
    if (stage > waiter.target || stage == Stage::preloaded) continue;
    if (!pauses_at(stage, waiter.request)) continue;
    if (!waiter.skips_stages && !memory_.refusal(stage, waiter.request)) next = stage;
  }
  build(waiter, from, next);
}

// Where heavy modules are imported ahead, items that are named are collected as quickly as their
// stage would be built: it is built for those that are named again.
bool ZygotePool::is_deep_enough(const Zygote& zygote, const Waiter& waiter) const {
  return zygote.key().stage == Stage::started && zygote.is_on_preloaded() && waiter.callback &&
         names_items(waiter.request) && !zygote.has_served(waiter.request.spec.args);
}

void ZygotePool::build(Waiter& waiter, Zygote* from, Stage stage) {
  ++waiter.builds;
  auto& zygote = *zygotes_.emplace_back(
      std::make_unique<Zygote>(loop_, processes_, static_cast<Zygote::Listener&>(*this),
                               key_of(stage, waiter.request), from, fork_patience_));
  waiter.building = &zygote;
  if (!waiter.callback) zygote.set_built_ahead();
  std::string error;
  if (stage == Stage::interpreter) {
    ++interpreters_started_;
    error = zygote.spawn_interpreter(zygote_program_, waiter.request);
  } else {
    error = zygote.build_from_parent(waiter.request, waiter.plan);
  }
  log("pool").debug("build_started stage={} flavour={} error={:?}", to_string(stage),
                    to_string(waiter.request.flavour), error);
  if (error.empty()) return;
  waiter.building = nullptr;
  zygotes_.pop_back();
  finish(waiter, Failed{error});
}

void ZygotePool::finish(Waiter& waiter, Result result) {
  auto callback = std::move(waiter.callback);
  const auto request = std::move(waiter.request);
  auto account = std::move(waiter.account);
  std::erase_if(waiters_, [&](const auto& each) { return each.get() == &waiter; });
  if (const auto* leased = std::get_if<Lease>(&result); leased && observer_ && callback)
    tell_of(*leased, request);
  const auto* lease = std::get_if<Lease>(&result);
  const bool ends_at_configured = lease && lease->distributed;
  const bool is_run = callback != nullptr;
  if (callback) callback(std::move(result));
  if (observer_) observer_->wait_ended();
  if (!is_run) return;
  if (ends_at_configured)
    std::erase_if(account, [](const auto& each) { return each.stage > Stage::configured; });
  explanations_.add(request, std::move(account));
}

// What makes or removes files is built for runs only: a run's exit may be meant to remove them, and
// what lies there may be what the last run has left.
void ZygotePool::tell_of(const Lease& lease, const ProcessRequest& request) {
  Zygote& zygote = *lease.zygote;
  if (zygote.parsed_by().has_changed_files() || zygote.state() == Zygote::State::refused) return;
  observer_->leased(request);
  const bool is_spent = zygote.state() == Zygote::State::ready && zygote.serves_once();
  if (is_spent && request.flavour == protocol::Flavour::session) observer_->spent(request);
}

void ZygotePool::prepare(ProcessRequest request, Stage target, ImportHistory::Plan plan) {
  add_waiter(std::move(request), target, {}).plan = std::move(plan);
}

bool ZygotePool::has_preloaded(const ProcessRequest& request, const ImportHistory::Plan& plan) {
  const auto key = key_of(Stage::preloaded, request);
  bool is_there = false;
  for (const auto& each : zygotes_) {
    if (!(each->key() == key) || each->state() != Zygote::State::ready) continue;
    if (!each->serves(request)) continue;
    if (each->plan() == plan) {
      is_there = true;
    } else {
      // It goes on serving what was built on it.
      retire(*each, {CauseKind::preload, "other modules are imported ahead now", {}, {}, {}, {}});
    }
  }
  return is_there;
}

// What came of the modules that were imported ahead is of no use for this process, and nothing that
// has them may serve it.
void ZygotePool::preload_rejected(const Zygote& zygote) {
  const auto& rejected = *zygote.preload_rejected();
  if (rejected.module.empty()) memory_.preload_does_not_fit(zygote, rejected.reason);
  log("pool").info("preload_rejected stage={} module={} reason={:?}", to_string(zygote.key().stage),
                   rejected.module, rejected.reason);
  for (auto* below = zygote.parent(); below && below->key().stage >= Stage::preloaded;
       below = below->parent())
    retire(*below, {CauseKind::preload, rejected.reason, rejected.module, {}, {}, {}});
  if (observer_) observer_->preload_rejected(zygote);
}

// By their ids: a callback may abandon others.
std::vector<ZygotePool::WaitId> ZygotePool::waiters_of(const Zygote& zygote) const {
  std::vector<WaitId> ids;
  for (const auto& waiter : waiters_) {
    if (waiter->building == &zygote) ids.push_back(waiter->id);
  }
  return ids;
}

void ZygotePool::advance_waiters_of(Zygote& zygote) {
  for (const auto id : waiters_of(zygote)) {
    if (auto* waiter = find(id)) advance(*waiter);
  }
}

void ZygotePool::stage_reached(Zygote& zygote) {
  memory_.reached(zygote);
  if (observer_) observer_->stage_built(zygote);
  advance_waiters_of(zygote);
  if (zygote.is_to_retire()) zygote.retire();
  // Whoever waited has taken it or could not use it.
  if (zygote.state() == Zygote::State::refused) zygote.kill();
  retire_superseded();
  enforce_limit();
}

void ZygotePool::process_ended(Zygote& zygote) {
  if (zygote.preload_rejected()) {
    preload_rejected(zygote);
  } else if (!zygote.is_told_to_end() && !ending_) {
    const auto kind =
        zygote.has_paused() || zygote.parent_was_lost() ? CauseKind::lost : CauseKind::ended;
    memory_.ended(zygote, {kind, describe_wait_status(zygote.wait_status()), {}, {}, {}, {}});
  }
  for (const auto id : waiters_of(zygote)) {
    auto* waiting = find(id);
    if (!waiting) continue;
    auto& waiter = *waiting;
    if (zygote.preload_rejected()) {
      waiter.preloaded_may_serve = false;
      if (waiter.target == Stage::preloaded) {
        finish(waiter, Failed{"another plan is needed"});
      } else {
        advance(waiter);
      }
    } else if (ending_ || zygote.parent_was_lost() || zygote.build_started() < waiter.submitted ||
               !zygote.has_environment_of(waiter.request)) {
      advance(waiter);  // it may have ended for a reason that is no more, or was none of its own
    } else if (!zygote.failure().empty()) {
      finish(waiter, Failed{zygote.failure(), zygote.plain_fails_too()});
    } else if (zygote.key().stage == Stage::interpreter) {
      finish(waiter, Failed{zygote.key().spec.python + " could not be started: it " +
                            describe_wait_status(zygote.wait_status()) +
                            last_line(zygote.printed().to_stderr)});
    } else {
      finish(waiter, Ended{zygote.wait_status(), zygote.printed(), zygote.collecting()});
    }
  }
  loop_.defer([this] { drop_ended(); });
}

void ZygotePool::released(Zygote& /*zygote*/) {
  // Not from within what has released it.
  loop_.defer([this] { drop_ended(); });
}

void ZygotePool::arguments_tried(Zygote& zygote) {
  std::vector<WaitId> ids;
  for (const auto& waiter : waiters_) {
    if (waiter->asked == &zygote) ids.push_back(waiter->id);
  }
  // Not from within what the zygote is doing.
  for (const auto id : ids) {
    loop_.defer([this, id] {
      if (auto* waiter = find(id)) advance(*waiter);
    });
  }
}

void ZygotePool::imports_observed(Zygote& zygote, const protocol::ImportsObserved& imports) {
  if (observer_) observer_->imports_observed(zygote, imports);
}

}  // namespace hearth::daemon
