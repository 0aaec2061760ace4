// Which zygotes stay, and which end: the rest of zygote_pool.h.
#include <algorithm>
#include <set>
#include <utility>

#include "daemon/log.h"
#include "daemon/zygote_pool.h"

namespace hearth::daemon {
namespace {

using protocol::Cause;
using protocol::CauseKind;
using protocol::Stage;

}  // namespace

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

std::vector<std::string> ZygotePool::directories() const {
  std::set<std::string> all;
  for (const auto& each : zygotes_) {
    if (each->state() != Zygote::State::ready) continue;
    for (auto& directory : each->directories()) all.insert(std::move(directory));
  }
  return {all.begin(), all.end()};
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
