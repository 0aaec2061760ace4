#include "daemon/zygote_pool.h"

#include <algorithm>
#include <set>
#include <utility>

#include "daemon/log.h"
#include "daemon/stage_accounts.h"

namespace hearth::daemon {
namespace {

using protocol::Cause;
using protocol::CauseKind;
using protocol::Stage;

// How often one acquire() may find that what it built is of no use to it (files that change all the
// time) before it gives up.
constexpr int max_rebuilds = 8;
// How many zygotes one acquire() asks about its arguments. One that fits is among the last used; a
// start of its own costs about as much as so many questions.
constexpr int max_questions = 4;

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

Zygote* ZygotePool::usable_zygote(const Waiter& waiter, Stage stage) {
  const auto key = key_of(stage, waiter.request);
  // A project that is known to read its worker's id needs a build for each; of any other, one build
  // serves all workers. Likewise with variables that differ from run to run.
  const bool environment_matters =
      std::any_of(zygotes_.begin(), zygotes_.end(), [&](const auto& each) {
        return each->key() == key && each->state() == Zygote::State::ready &&
               !each->serves(waiter.request);
      });
  // Those that can do with modules imported ahead first, then those of the same arguments: with
  // them nothing need be exchanged.
  const bool prefers_preloaded = stage == Stage::configured;
  for (const auto& [on_preloaded, is_own] :
       {std::pair{true, true}, {true, false}, {false, true}, {false, false}}) {
    if (!prefers_preloaded && !on_preloaded) break;
    if (!on_preloaded && is_worth_rebuilding(waiter, stage)) break;
    for (std::size_t i = 0; i < zygotes_.size(); ++i) {
      auto& zygote = *zygotes_[i];
      if (!(zygote.key() == key) || zygote.is_orphaned()) continue;
      if (prefers_preloaded && zygote.is_on_preloaded() != on_preloaded) continue;
      if (stage == Stage::preloaded && zygote.plan().modules.empty()) continue;
      if (is_own != (stage < Stage::configured || zygote.args() == waiter.request.spec.args))
        continue;
      if (zygote.state() == Zygote::State::building) {
        // A run is there sooner without it.
        if (stage == Stage::preloaded && waiter.target != stage) continue;
        const bool fits = is_own && (!environment_matters || zygote.is_built_for(waiter.request));
        const bool joins =
            !memory_.serves_one_process(stage, waiter.request) || !is_taken(zygote, waiter);
        if (fits && joins && !zygote.is_to_retire()) return &zygote;
        continue;
      }
      if (zygote.state() != Zygote::State::ready &&
          !(is_own && zygote.state() == Zygote::State::refused))
        continue;
      if (!zygote.serves(waiter.request)) continue;
      if (!is_own && !serves_arguments(zygote, waiter)) continue;
      if (zygote.build_started() < waiter.submitted && !holds(zygote)) {
        i = static_cast<std::size_t>(-1);  // retiring may have changed the list
        continue;
      }
      return &zygote;
    }
  }
  return nullptr;
}

// Whether nobody waits, and the stage can now be built with modules imported ahead.
bool ZygotePool::is_worth_rebuilding(const Waiter& waiter, Stage stage) {
  return !waiter.callback && stage == Stage::configured && waiter.target == stage &&
         waiter.preloaded_may_serve && !memory_.is_without_preloaded(waiter.request) &&
         usable_zygote(waiter, Stage::preloaded) != nullptr;
}

// What nothing is forked from any more, since there is another one with modules imported ahead.
void ZygotePool::retire_superseded() {
  for (const auto& old : zygotes_) {
    if (old->state() != Zygote::State::ready || old->key().stage != Stage::configured) continue;
    if (old->is_on_preloaded() || old->is_held() || has_living_child(*old)) continue;
    const bool is_superseded = std::any_of(zygotes_.begin(), zygotes_.end(), [&](const auto& each) {
      return each->state() == Zygote::State::ready && each->is_on_preloaded() &&
             each->key() == old->key() && each->built_for() == old->built_for();
    });
    if (is_superseded) old->retire();
  }
}

// Whether the request's arguments come to the same in all that the zygote has read, as far as is
// known.
bool ZygotePool::serves_arguments(Zygote& zygote, const Waiter& waiter) {
  const auto& args = waiter.request.spec.args;
  auto& parser = zygote.parsed_by();
  const auto tried = parser.tried(args);
  if (!tried) return false;
  if (verify_ && tried->since() < waiter.submitted && tried->trace().first_difference()) {
    parser.forget_tried(args);
    return false;
  }
  if (!tried->refusal().empty()) return false;
  if (tried->distributed() && zygote.key().stage != Stage::configured) return false;
  const auto difference = zygote.differing_option(*tried);
  if (difference) {
    log("pool").debug("arguments_differ pid={} stage={} option={} own={:?} other={:?} reader={}",
                      zygote.pid(), to_string(zygote.key().stage), difference->subject,
                      difference->before, difference->after, difference->place);
  }
  return !difference;
}

// Asks the zygote that was used last among those which may serve the request and have not said
// what its arguments come to. False: there is none.
bool ZygotePool::ask_about_arguments(Waiter& waiter) {
  if (waiter.questions == max_questions) return false;
  const auto& args = waiter.request.spec.args;
  std::vector<Zygote*> candidates;
  for (const auto& each : zygotes_) {
    if (each->state() != Zygote::State::ready || each->key().stage < Stage::configured) continue;
    if (&each->parsed_by() != each.get() || each->tried(args)) continue;
    if (!(each->key() == key_of(each->key().stage, waiter.request))) continue;
    if (each->serves(waiter.request)) candidates.push_back(each.get());
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Zygote* a, const Zygote* b) { return a->last_used() > b->last_used(); });
  const auto holding = std::find_if(candidates.begin(), candidates.end(),
                                    [this](Zygote* each) { return holds(*each); });
  if (holding == candidates.end()) return false;
  ++waiter.questions;
  waiter.asked = *holding;
  waiter.asked->try_arguments(args);
  return true;
}

// Whether somebody else waits for it.
bool ZygotePool::is_taken(const Zygote& zygote, const Waiter& waiter) const {
  return std::any_of(waiters_.begin(), waiters_.end(), [&](const auto& each) {
    return each.get() != &waiter && each->building == &zygote && each->callback;
  });
}

// Verifies the trace of the zygote and of those below it, the lowest first; what does not hold is
// retired with all above it.
bool ZygotePool::holds(Zygote& zygote) {
  if (!verify_) return true;
  if (zygote.parent() && !holds(*zygote.parent())) return false;
  auto cause = zygote.first_difference();
  if (!cause && zygote.is_too_old(age_)) cause = {CauseKind::too_old, {}, {}, {}, {}, {}};
  if (!cause) return true;
  log("pool").info("stage_stale pid={} stage={} cause={} file={} aspect={}", zygote.pid(),
                   to_string(zygote.key().stage), to_string(cause->kind), cause->subject,
                   cause->aspect);
  retire_with_descendants(zygote, *cause);
  return false;
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
  if (waiter.rebuilds > max_rebuilds) {
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
      from = zygote;
      break;
    }
    // What took an identity has to be the process that goes on with it. A session goes on from
    // here; a worker has to tell first what it collected: it is built past this stage.
    if (!is_refused && waiter.request.flavour == protocol::Flavour::session) {
      finish(waiter, Lease{zygote, false, false});
      return;
    }
    if (!is_refused) memory_.refused(*zygote);
    waiter.refused.insert(stage);
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
    if (!waiter.refused.contains(stage) && !memory_.refusal(stage, waiter.request)) next = stage;
  }
  build(waiter, from, next);
}

void ZygotePool::build(Waiter& waiter, Zygote* from, Stage stage) {
  ++waiter.rebuilds;
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

// ---- what is built for later

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

std::vector<std::string> ZygotePool::directories() const {
  std::set<std::string> all;
  for (const auto& each : zygotes_) {
    if (each->state() != Zygote::State::ready) continue;
    for (auto& directory : each->directories()) all.insert(std::move(directory));
  }
  return {all.begin(), all.end()};
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
      finish(waiter, Failed{zygote.failure()});
    } else if (zygote.key().stage == Stage::interpreter) {
      finish(waiter, Failed{zygote.key().spec.python + " could not be started: it " +
                            describe_wait_status(zygote.wait_status()) +
                            last_line(zygote.printed().to_stderr)});
    } else {
      finish(waiter, Ended{zygote.wait_status(), zygote.printed()});
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

void ZygotePool::retire_with_descendants(Zygote& zygote, const Cause& cause) {
  for (const auto& each : zygotes_) {
    if (each->parent() == &zygote) retire_with_descendants(*each, cause);
  }
  retire(zygote, cause);
}

void ZygotePool::retire(Zygote& zygote, Cause cause) {
  if (zygote.state() == Zygote::State::ready) memory_.ended(zygote, std::move(cause));
  zygote.retire();
}

bool ZygotePool::has_child(const Zygote& zygote) const {
  return std::any_of(zygotes_.begin(), zygotes_.end(),
                     [&](const auto& each) { return each->parent() == &zygote; });
}

// One that is on its way out still keeps what is below it from ending, but not from being told to.
bool ZygotePool::has_living_child(const Zygote& zygote) const {
  return std::any_of(zygotes_.begin(), zygotes_.end(), [&](const auto& each) {
    return each->parent() == &zygote &&
           (each->state() == Zygote::State::ready || each->state() == Zygote::State::building ||
            each->state() == Zygote::State::refused);
  });
}

void ZygotePool::drop_ended() {
  retire_superseded();
  // A parent stays as long as it has children: its trace is part of theirs.
  for (;;) {
    const auto it = std::find_if(zygotes_.begin(), zygotes_.end(), [&](const auto& each) {
      return each->state() == Zygote::State::ended && !each->is_held() && !has_child(*each);
    });
    if (it == zygotes_.end()) return;
    zygotes_.erase(it);
  }
}

bool ZygotePool::retire_least_recently_used(Clock::time_point used_before, std::string reason) {
  Zygote* oldest = nullptr;
  for (const auto& each : zygotes_) {
    if (each->state() != Zygote::State::ready || each->last_used() >= used_before) continue;
    if (each->is_held() || has_living_child(*each)) continue;
    if (!oldest || each->last_used() < oldest->last_used()) oldest = each.get();
  }
  if (!oldest) return false;
  log("pool").info("zygote_evicted pid={} stage={}", oldest->pid(), to_string(oldest->key().stage));
  retire(*oldest, {CauseKind::evicted, {}, std::move(reason), {}, {}, {}});
  return true;
}

std::uint64_t ZygotePool::memory() const {
  std::uint64_t bytes = 0;
  for (const auto& each : zygotes_) {
    if (each->state() == Zygote::State::ready) bytes += pss_bytes(each->pid());
  }
  return bytes;
}

void ZygotePool::enforce_limit() {
  const auto is_ready = [](const auto& each) { return each->state() == Zygote::State::ready; };
  while (std::cmp_greater(std::count_if(zygotes_.begin(), zygotes_.end(), is_ready), limit_)) {
    if (!retire_least_recently_used(Clock::time_point::max(), "number")) return;
  }
}

void ZygotePool::kill_all() {
  ending_ = true;
  for (const auto& each : zygotes_) each->kill();
  std::vector<WaitId> ids;
  for (const auto& waiter : waiters_) ids.push_back(waiter->id);
  for (const auto id : ids) {
    if (auto* waiter = find(id)) advance(*waiter);
  }
}

std::vector<protocol::ZygoteStatus> ZygotePool::status() const {
  std::vector<protocol::ZygoteStatus> all;
  for (const auto& each : zygotes_) {
    if (each->state() == Zygote::State::ended) continue;
    protocol::ZygoteStatus one;
    one.pid = static_cast<std::uint64_t>(each->pid());
    one.parent_pid = each->parent() ? static_cast<std::uint64_t>(each->parent()->pid()) : 0;
    one.stage = each->key().stage;
    one.flavour = each->key().flavour;
    one.state = each->state() == Zygote::State::building ? "building"
                : each->state() == Zygote::State::ready  ? "ready"
                                                         : "retiring";
    one.python = each->key().spec.python;
    one.directory = each->key().spec.directory;
    one.args = each->args();
    one.served = each->served();
    one.files = each->files();
    one.pss_bytes = pss_bytes(each->pid());
    one.age_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - each->build_started())
            .count());
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace hearth::daemon
