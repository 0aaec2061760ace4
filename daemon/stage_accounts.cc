#include "daemon/stage_accounts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/environment_reads.h"

namespace hearth::daemon {
namespace {

using protocol::Cause;
using protocol::CauseKind;
using protocol::Stage;
using Zygotes = std::vector<std::unique_ptr<Zygote>>;

// How much a stage had in common with what is wanted, the most first.

enum class Likeness {
  same,
  other_environment,
  other_arguments,
  ended_with_other_arguments,
  other_in_both,
  other_start,
  none
};

// The cause of what was most alike, of several the first that was offered.
class Best {
 public:
  void offer(Likeness likeness, Cause cause) {
    if (likeness >= likeness_) return;
    likeness_ = likeness;
    cause_ = std::move(cause);
  }
  const Cause& cause() const { return cause_; }

 private:
  Likeness likeness_ = Likeness::none;
  Cause cause_{CauseKind::first_use, {}, {}, {}, {}, {}};
};

void offer(Best& best, const StageMemory::Ending& ended, const Command& wanted,
           const ProcessRequest& request) {
  const bool same_args = ended.command.args == wanted.args;
  if (auto start = first_difference(ended.command.key, wanted.key)) {
    best.offer(Likeness::other_start, std::move(*start));
  } else if (ended.command.key == wanted.key) {
    auto variable = first_difference(ended.reads, wanted.key.stage, request);
    if (variable) {
      if (same_args) best.offer(Likeness::other_environment, std::move(*variable));
    } else if (same_args) {
      best.offer(Likeness::same, ended.cause);
    } else if (ended.cause.kind != CauseKind::ended) {
      // (How another command has ended by itself says nothing of this one.)
      best.offer(Likeness::ended_with_other_arguments, ended.cause);
    }
  }
}

// One that is there, and was found to be of no use.
void offer(Best& best, Zygote& zygote, const Command& wanted, const ProcessRequest& request) {
  if (auto start = first_difference(zygote.key(), wanted.key)) {
    best.offer(Likeness::other_start, std::move(*start));
    return;
  }
  if (!(zygote.key() == wanted.key)) return;
  auto variable = zygote.differing_variable(request);
  if (zygote.command().args == wanted.args) {
    if (variable) {
      best.offer(Likeness::other_environment, std::move(*variable));
    } else if (zygote.state() != Zygote::State::ready) {
      best.offer(Likeness::same, {CauseKind::lost, "is gone", {}, {}, {}, {}});
    }
    return;
  }
  if (const auto tried = zygote.parsed_by().tried(wanted.args)) {
    if (!tried->refusal().empty()) {
      best.offer(Likeness::other_arguments,
                 {CauseKind::arguments, tried->refusal(), {}, {}, {}, {}});
    } else if (auto option = zygote.differing_option(*tried)) {
      best.offer(Likeness::other_arguments, std::move(*option));
    }
  }
  if (variable) best.offer(Likeness::other_in_both, std::move(*variable));
}

Cause cause_for(Stage stage, const ProcessRequest& request, const std::vector<Zygote*>& zygotes,
                StageMemory& memory) {
  if (stage >= Stage::configured) {
    if (const auto* refusal = memory.refusal(stage, request)) return *refusal;
  } else if (stage == Stage::preloaded) {
    if (const auto* misfit = memory.is_without_preloaded(request)) return *misfit;
  }
  const auto wanted = command_of(stage, request);
  Best best;
  // An interpreter belongs to no directory, but who was in another one is not asked for causes.
  const auto is_near = [&](const Zygote* each) {
    return each->built_for().directory == request.spec.directory;
  };
  for (const auto& ended : memory.endings()) offer(best, ended, wanted, request);
  if (const auto* once = memory.serves_once(stage, request)) best.offer(Likeness::same, *once);
  for (auto* each : zygotes) {
    if (is_near(each)) offer(best, *each, wanted, request);
  }
  return best.cause();
}

}  // namespace

std::vector<protocol::StageAccount> account_of_stages(const ProcessRequest& request,
                                                      const Zygote* served, const Zygotes& zygotes,
                                                      StageMemory& memory) {
  if (served && served->key().stage == Stage::selected)
    return {{Stage::selected, {CauseKind::served, {}, {}, {}, {}, {}}}};
  std::vector<Zygote*> there;
  for (const auto& each : zygotes) {
    const bool is_lost = each->state() == Zygote::State::retiring && !each->is_told_to_end();
    if (each->state() == Zygote::State::ready || is_lost) there.push_back(each.get());
  }
  std::sort(there.begin(), there.end(),
            [](const Zygote* a, const Zygote* b) { return a->last_used() > b->last_used(); });

  std::vector<protocol::StageAccount> account;
  Cause below{CauseKind::first_use, {}, {}, {}, {}, {}};
  for (auto it = stages_deepest_first.rbegin(); it != stages_deepest_first.rend(); ++it) {
    const auto stage = *it;
    if (served && stage < served->key().stage) continue;
    if (!pauses_at(stage, request) && !(served && stage == served->key().stage)) continue;
    if (served && stage == served->key().stage) {
      // (Everything that is imported ahead was.)
      const bool is_rebuilt =
          served->is_built_ahead() && served->served() == 0 && stage != Stage::preloaded;
      account.push_back({stage, {CauseKind::served, {}, is_rebuilt ? "rebuilt" : "", {}, {}, {}}});
      if (served->serves_once()) below = cause_of_serving_once(*served);
      continue;
    }
    auto cause = cause_for(stage, request, there, memory);
    if (cause.kind == CauseKind::first_use && stage != Stage::preloaded) cause = below;
    // (Runs do not pass through `preloaded`.)
    if (stage != Stage::preloaded) below = cause;
    account.push_back({stage, std::move(cause)});
  }
  std::reverse(account.begin(), account.end());
  return account;
}

}  // namespace hearth::daemon
