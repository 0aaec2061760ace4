// Which zygote serves a run: the rest of zygote_pool.h.
#include <algorithm>
#include <utility>

#include "daemon/log.h"
#include "daemon/zygote_pool.h"

namespace hearth::daemon {
namespace {

using protocol::Cause;
using protocol::CauseKind;
using protocol::Stage;

// How many zygotes one acquire() asks about its arguments. One that fits is among the last used; a
// start of its own costs about as much as so many questions.
constexpr int max_questions = 4;

}  // namespace

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
      if (zygote.build_started() < waiter.submitted && !holds(zygote, waiter.submitted)) {
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

// Whether the request's arguments come to the same in all that the zygote has read, as far as is
// known.
bool ZygotePool::serves_arguments(Zygote& zygote, const Waiter& waiter) {
  const auto& args = waiter.request.spec.args;
  auto& parser = zygote.parsed_by();
  const auto tried = parser.tried(args);
  if (!tried) return false;
  if (verify_ && tried->since() < waiter.submitted &&
      tried->trace().first_difference_since(waiter.submitted)) {
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
                                    [&](Zygote* each) { return holds(*each, waiter.submitted); });
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

// Verifies the trace of the zygote and of those below it, the lowest first, if that has not been
// done since; what does not hold is retired with all above it.
bool ZygotePool::holds(Zygote& zygote, Clock::time_point since) {
  if (!verify_) return true;
  if (zygote.parent() && !holds(*zygote.parent(), since)) return false;
  auto cause = zygote.first_difference(since);
  if (!cause && zygote.is_too_old(age_)) cause = {CauseKind::too_old, {}, {}, {}, {}, {}};
  if (!cause) return true;
  log("pool").info("stage_stale pid={} stage={} cause={} file={} aspect={}", zygote.pid(),
                   to_string(zygote.key().stage), to_string(cause->kind), cause->subject,
                   cause->aspect);
  retire_with_descendants(zygote, *cause);
  return false;
}

}  // namespace hearth::daemon
