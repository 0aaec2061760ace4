#include "daemon/preparer.h"

#include <algorithm>
#include <utility>

#include "daemon/log.h"

namespace hearth::daemon {
namespace {

// How long after the end of a run or a build the next thing is prepared, if it is quiet then.
constexpr auto quiet_time = std::chrono::milliseconds(100);

// As many runs as somebody may be going to and fro between (each flavour and worker counts).
constexpr std::size_t remembered_requests = 6;

// As many saves as are worth it while nobody runs anything. A project whose loading changes a file
// that it reads comes to an end here.
constexpr int max_rebuilds = 20;

bool same_use(const ProcessRequest& a, const ProcessRequest& b) {
  return key_of(protocol::Stage::selected, a) == key_of(protocol::Stage::selected, b) &&
         a.spec.args == b.spec.args && a.identity.id == b.identity.id;
}

}  // namespace

Preparer::Preparer(EventLoop& loop, ZygotePool& pool, ImportHistory history, bool rebuilds)
    : loop_(loop),
      pool_(pool),
      history_(std::move(history)),
      watcher_(loop, [this] { files_changed(); }),
      rebuilds_(rebuilds) {
  pool_.observe(this);
}

Preparer::~Preparer() { pool_.observe(nullptr); }

void Preparer::run_ended() {
  --runs_;
  continue_when_idle();
}

void Preparer::leased(const ProcessRequest& request) {
  if (!rebuilds_) return;
  std::erase_if(last_used_, [&](const Use& each) { return same_use(each.request, request); });
  last_used_.push_front({request});
  if (last_used_.size() > remembered_requests) last_used_.pop_back();
}

void Preparer::spent(const ProcessRequest& request) {
  if (!rebuilds_) return;
  std::erase_if(to_rebuild_, [&](const auto& each) { return same_use(each, request); });
  to_rebuild_.push_back(request);
}

void Preparer::stage_built(const Zygote& zygote) {
  if (rebuilds_) watcher_.watch(zygote.directories());
  // The runs used last shall find what they need built on it.
  if (zygote.key().stage == protocol::Stage::preloaded) want_last_used();
  // Nothing can be built on it, or its building changes what it reads.
  if (zygote.state() == Zygote::State::refused || zygote.has_changed_files()) {
    std::erase_if(last_used_, [&](const Use& each) {
      return each.request.spec == zygote.built_for() &&
             each.request.flavour == zygote.key().flavour;
    });
  }
}

void Preparer::imports_observed(const Zygote& zygote, const protocol::ImportsObserved& imports) {
  history_.add(zygote.built_for(), imports.preload, imports.no_preload,
               {imports.declared_preload, imports.declared_no_preload});
  if (std::find(to_preload_.begin(), to_preload_.end(), zygote.built_for()) == to_preload_.end())
    to_preload_.push_back(zygote.built_for());
  continue_when_idle();
}

void Preparer::preload_rejected(const Zygote& zygote) {
  const auto& rejected = *zygote.preload_rejected();
  if (rejected.module.empty()) return;  // of no use for this very command
  if (rejected.declared_no_preload.empty()) {
    history_.reject(zygote.built_for(), rejected.module, rejected.reason);
  } else {
    history_.declare(zygote.built_for(), {{}, rejected.declared_no_preload});
  }
  to_preload_.push_back(zygote.built_for());
}

void Preparer::files_changed() {
  watcher_.keep_only(pool_.directories());
  want_last_used();
  continue_when_idle();
}

// What is still right is found and left alone.
void Preparer::want_last_used() {
  to_rebuild_.clear();
  for (Use& each : last_used_) {
    if (++each.rebuilds <= max_rebuilds) to_rebuild_.push_back(each.request);
  }
}

void Preparer::continue_when_idle() {
  if (planned_ || (to_rebuild_.empty() && to_preload_.empty())) return;
  planned_ = true;
  const bool is_urgent = !to_rebuild_.empty();
  loop_.after(is_urgent ? Clock::duration::zero() : quiet_time,
              [this, alive = std::weak_ptr(alive_)] {
                if (alive.expired()) return;
                planned_ = false;
                prepare_next();
              });
}

void Preparer::prepare_next() {
  if (!is_idle()) return;  // its end comes back here
  if (!to_rebuild_.empty()) {
    pool_.prepare(std::move(to_rebuild_.front()), protocol::Stage::configured);
    to_rebuild_.pop_front();
    return;
  }
  if (to_preload_.empty()) return;
  ProcessRequest request;
  request.spec = std::move(to_preload_.front());
  to_preload_.pop_front();
  auto plan = history_.plan(request.spec);
  if (pool_.has_preloaded(request, plan) || plan.modules.empty()) {
    continue_when_idle();
  } else {
    pool_.prepare(std::move(request), protocol::Stage::preloaded, std::move(plan));
  }
}

}  // namespace hearth::daemon
