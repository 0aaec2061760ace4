#include "daemon/native_pool.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "daemon/log.h"
#include "protocol/signature.h"

namespace hearth::daemon {
namespace {

constexpr std::size_t remembered_refusals = 1024;
constexpr std::size_t remembered_keys = 1024;
// More than a file's times may lie behind the clock (see protocol/signature.h).
constexpr auto rest_after_change = std::chrono::milliseconds(100);

std::string_view value_of(const NativeKey& key, std::string_view name) {
  for (const std::string_view entry : key.environment.entries()) {
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('='))
      return entry.substr(name.size() + 1);
  }
  return {};
}

// What the user has declared harmless for a program: kinds of findings, between commas.
bool is_harmless(const NativeKey& key, const std::string& kind) {
  auto rest = value_of(key, "HEARTH_HARMLESS");
  while (!rest.empty()) {
    const auto end = std::min(rest.find(','), rest.size());
    if (rest.substr(0, end) == kind) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

std::string reason_of(const protocol::Finding& finding) {
  return finding.what + (finding.file.empty() ? "" : " (" + finding.file + ")");
}

// What the program's file itself was like before it was started or judged; and its directory, which
// may be made anew.
std::shared_ptr<Trace> trace_of(const NativeKey& key) {
  auto trace = std::make_shared<Trace>();
  trace->add({protocol::take_signature(key.program, protocol::Look::content),
              protocol::take_signature(key.directory, protocol::Look::status)});
  return trace;
}

// Whether a process that does nothing about this signal dies of it.
bool ends_by_default(int signal) {
  return signal != SIGCHLD && signal != SIGCONT && signal != SIGURG && signal != SIGWINCH &&
         signal != SIGSTOP && signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU;
}

}  // namespace

NativePool::NativePool(EventLoop& loop, ProcessTable& processes, std::string library,
                       std::size_t limit, bool verify, Clock::duration patience,
                       Clock::duration idle)
    : loop_(loop),
      processes_(processes),
      library_(std::move(library)),
      limit_(limit),
      verify_(verify),
      patience_(patience),
      idle_(idle) {}

NativePool::~NativePool() { loop_.cancel(idle_timer_); }

NativePool::JobId NativePool::start(Job job) {
  const auto id = next_job_++;
  auto& entry = jobs_[id];
  entry.job = std::move(job);
  if (entry.job.behind.empty()) {
    advance(id);
  } else {
    order_ahead(id);
  }
  return JobId{id};
}

bool NativePool::has_to_wait(const Entry& entry) const {
  const auto& behind = entry.job.behind;
  const auto left = std::count_if(behind.begin(), behind.end(), [this](JobId other) {
    return jobs_.contains(static_cast<std::uint64_t>(other));
  });
  return static_cast<std::uint64_t>(left) > entry.job.beside;
}

// The zygote itself sees that it is still the right one when the command begins.
void NativePool::order_ahead(std::uint64_t id) {
  auto& entry = jobs_.at(id);
  const auto& behind = entry.job.behind;
  for (const auto other : behind) {
    const auto before = jobs_.find(static_cast<std::uint64_t>(other));
    if (before != jobs_.end()) entry.zygote = before->second.zygote;
  }
  const auto is_of_zygote = [&](JobId other) {
    const auto before = jobs_.find(static_cast<std::uint64_t>(other));
    if (before == jobs_.end()) return entry.zygote->has_exited(static_cast<std::uint64_t>(other));
    return before->second.is_forked && before->second.zygote == entry.zygote;
  };
  if (entry.zygote == nullptr || entry.zygote->state() != NativeZygote::State::ready ||
      !(entry.zygote->key() == entry.job.key) ||
      !std::all_of(behind.begin(), behind.end(), is_of_zygote))
    return answer(id, protocol::CommandWithdrawn{id});
  fork(entry, id, *entry.zygote);
}

void NativePool::withdraw(JobId job) {
  const auto it = jobs_.find(static_cast<std::uint64_t>(job));
  if (it != jobs_.end() && !it->second.job.behind.empty())
    it->second.zygote->withdraw_command(it->first);
}

void NativePool::advance(std::uint64_t id) {
  auto& entry = jobs_.at(id);
  const auto& key = entry.job.key;
  if (ending_) return refuse(id, "hearthd is stopping");
  if (const auto* refusal = refusal_of(key)) return refuse(id, reason_of(refusal->finding));
  entry.zygote = usable_zygote(key);
  if (entry.zygote == nullptr) {
    std::string reason;
    entry.zygote = build(key, reason);
    if (entry.zygote == nullptr) return refuse(id, reason);
  }
  if (entry.zygote->state() == NativeZygote::State::ready) fork(entry, id, *entry.zygote);
}

NativeZygote* NativePool::usable_zygote(const NativeKey& key) {
  for (const auto& zygote : zygotes_) {
    if (!(zygote->key() == key)) continue;
    if (zygote->state() == NativeZygote::State::building) return zygote.get();
    if (zygote->state() != NativeZygote::State::ready) continue;
    const auto difference = verify_ ? zygote->trace().first_difference() : std::nullopt;
    if (!difference) return zygote.get();
    log("native").info("native_zygote_stale pid={} path={:?}", zygote->pid(), difference->subject);
    zygote->retire();
  }
  return nullptr;
}

NativeZygote* NativePool::build(const NativeKey& key, std::string& refusal) {
  auto trace = trace_of(key);
  const auto program = examine_program(key.program);
  if (!program) {
    refusal = key.program + " " + program.error();
    remember(key, std::move(trace), {"program", refusal, {}, 0, protocol::Consequence::refused});
    return nullptr;
  }
  // Its name in a profile's would be the zygote's.
  if (value_of(key, "LLVM_PROFILE_FILE").find("%p") != std::string_view::npos) {
    refusal = "LLVM_PROFILE_FILE names a process (%p)";
    return nullptr;
  }
  if (is_first_variant(key)) {
    refusal = "is warm for other surroundings, and was not seen in these before";
    return nullptr;
  }
  if (access(library_.c_str(), R_OK) != 0 ||
      library_.find_first_of(": \t\n") != std::string::npos) {
    refusal = "there is no " + library_ + ", or it cannot be preloaded from there";
    return nullptr;
  }
  enforce_limit();
  auto zygote = std::make_unique<NativeZygote>(
      loop_, processes_, static_cast<NativeZygote::Listener&>(*this), key, patience_);
  zygote->trace().add(*trace);
  refusal = zygote->spawn(library_, program->first);
  if (!refusal.empty()) return nullptr;
  zygotes_.push_back(std::move(zygote));
  return zygotes_.back().get();
}

// Whether the program has zygotes, for other surroundings, and this is the first command in these.
bool NativePool::is_first_variant(const NativeKey& key) {
  const bool has_other = std::any_of(zygotes_.begin(), zygotes_.end(), [&](const auto& each) {
    return each->key().program == key.program && !(each->key() == key);
  });
  if (!has_other) return false;
  if (std::find(seen_once_.begin(), seen_once_.end(), key) != seen_once_.end()) return false;
  seen_once_.push_front(key);
  if (seen_once_.size() > remembered_keys) seen_once_.pop_back();
  return true;
}

const NativePool::Refusal* NativePool::refusal_of(const NativeKey& key) {
  const auto it = std::find_if(refusals_.begin(), refusals_.end(), [&](const Refusal& each) {
    return each.key.program == key.program &&
           value_of(each.key, "HEARTH_HARMLESS") == value_of(key, "HEARTH_HARMLESS");
  });
  if (it == refusals_.end()) return nullptr;
  if (!it->trace->first_difference()) return &*it;
  refusals_.erase(it);
  return nullptr;
}

void NativePool::remember(const NativeKey& key, std::shared_ptr<Trace> trace,
                          protocol::Finding finding) {
  log("native").info("program_refused program={:?} reason={:?}", key.program, reason_of(finding));
  std::erase_if(refusals_, [&](const Refusal& each) { return each.key.program == key.program; });
  refusals_.push_front({key, std::move(trace), std::move(finding)});
  if (refusals_.size() > remembered_refusals) refusals_.pop_back();
}

void NativePool::fork(Entry& entry, std::uint64_t id, NativeZygote& zygote) {
  entry.is_forked = true;
  auto& job = entry.job;
  protocol::ForkCommand order{.number = id,
                              .argv = std::move(job.argv),
                              .descriptors = std::move(job.numbers),
                              .printed_stdout = {},
                              .printed_stderr = {},
                              .behind = {},
                              .beside = job.beside};
  for (const auto other : job.behind) order.behind.push_back(static_cast<std::uint64_t>(other));
  zygote.fork_command(std::move(order), std::move(job.descriptors));
}

void NativePool::refuse(std::uint64_t id, const std::string& reason) {
  answer(id, protocol::CommandRefused{id, reason});
}

void NativePool::answer(std::uint64_t id, Answer answer) {
  auto node = jobs_.extract(id);
  if (node.empty() || !node.mapped().job.answer) return;
  loop_.defer(
      [tell = std::move(node.mapped().job.answer), answer = std::move(answer)] { tell(answer); });
}

void NativePool::signal(JobId job, int signal, bool whole_tree) {
  const auto id = static_cast<std::uint64_t>(job);
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return;
  if (it->second.is_forked) {
    it->second.zygote->signal_command(id, signal, whole_tree);
  } else if (ends_by_default(signal)) {
    answer(id, protocol::CommandExited{id, signal, 0, 0, 0, 0});
  }
}

void NativePool::abandon(JobId job) {
  const auto it = jobs_.find(static_cast<std::uint64_t>(job));
  if (it == jobs_.end()) return;
  it->second.job.answer = nullptr;
  signal(job, SIGKILL, true);
}

// ---- what zygotes tell

void NativePool::main_reached(NativeZygote& zygote) {
  const auto& findings = zygote.findings();
  const auto refusing = std::find_if(findings.begin(), findings.end(), [&](const auto& finding) {
    return finding.consequence == protocol::Consequence::refused &&
           !is_harmless(zygote.key(), finding.kind);
  });
  if (refusing != findings.end()) {
    remember(zygote.key(), std::make_shared<Trace>(zygote.trace()), *refusing);
    refuse_waiting(zygote, reason_of(*refusing));
    zygote.kill();
    return;
  }
  // Something that it has read may have changed while it was built.
  if (const auto difference = verify_ ? zygote.trace().first_difference() : std::nullopt) {
    try_again(zygote, difference->subject + " has just changed");
    zygote.retire();
    return;
  }
  for (auto& [id, entry] : jobs_) {
    if (entry.zygote == &zygote && !entry.is_forked) fork(entry, id, zygote);
  }
  if (idle_timer_ == EventLoop::TimerId{}) watch_for_idle_ones();
}

void NativePool::command_refused(NativeZygote& /*zygote*/,
                                 const protocol::CommandRefused& refused) {
  answer(refused.number, refused);
}

void NativePool::command_exited(NativeZygote& /*zygote*/, const protocol::CommandExited& exited) {
  answer(exited.number, exited);
}

void NativePool::command_withdrawn(NativeZygote& /*zygote*/,
                                   const protocol::CommandWithdrawn& withdrawn) {
  answer(withdrawn.number, withdrawn);
}

void NativePool::process_ended(NativeZygote& zygote) {
  std::vector<std::uint64_t> waiting;
  std::vector<std::uint64_t> lost;
  // Had not begun as far as the zygote has told; where it has, their clients can see it.
  std::vector<std::uint64_t> ahead;
  for (const auto& [id, entry] : jobs_) {
    if (entry.zygote != &zygote) continue;
    auto& kind = !entry.is_forked ? waiting : has_to_wait(entry) ? ahead : lost;
    kind.push_back(id);
  }
  for (const auto id : ahead) answer(id, protocol::CommandWithdrawn{id});
  if (!waiting.empty() && !ending_) {
    const protocol::Finding finding{
        "end", zygote.key().program + " " + zygote.end(), {}, 0, protocol::Consequence::refused};
    auto trace = zygote.trace().size() > 0 ? std::make_shared<Trace>(zygote.trace())
                                           : trace_of(zygote.key());
    remember(zygote.key(), std::move(trace), finding);
  }
  for (const auto id : waiting) refuse(id, zygote.key().program + " " + zygote.end());
  for (const auto id : lost) answer(id, protocol::CommandExited{id, SIGKILL, 0, 0, 0, 0});
  loop_.defer([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) drop_ended();
  });
}

void NativePool::refuse_waiting(const NativeZygote& zygote, const std::string& reason) {
  for (const auto id : waiting_for(zygote)) refuse(id, reason);
}

// A program is often started as soon as it is linked: soon it is old enough to be told from what
// comes after it.
void NativePool::try_again(const NativeZygote& zygote, const std::string& reason) {
  for (const auto id : waiting_for(zygote)) {
    auto& entry = jobs_.at(id);
    if (std::exchange(entry.is_second_try, true)) {
      refuse(id, reason);
      continue;
    }
    entry.zygote = nullptr;
    loop_.after(rest_after_change, [this, id, alive = std::weak_ptr(alive_)] {
      if (!alive.expired() && jobs_.contains(id)) advance(id);
    });
  }
}

std::vector<std::uint64_t> NativePool::waiting_for(const NativeZygote& zygote) const {
  std::vector<std::uint64_t> waiting;
  for (const auto& [id, entry] : jobs_) {
    if (entry.zygote == &zygote && !entry.is_forked) waiting.push_back(id);
  }
  return waiting;
}

void NativePool::kill_all() {
  ending_ = true;
  for (const auto& each : zygotes_) each->kill();
}

std::vector<protocol::ZygoteStatus> NativePool::status() const {
  std::vector<protocol::ZygoteStatus> all;
  for (const auto& each : zygotes_) {
    if (each->state() != NativeZygote::State::ended) all.push_back(each->status());
  }
  return all;
}

std::vector<protocol::Complaint> NativePool::complaints(const std::string& directory) {
  std::vector<protocol::Complaint> all;
  for (const auto& refusal : refusals_) {
    const auto place = std::filesystem::path(refusal.key.program).parent_path().string();
    if (!are_of_one_project(refusal.key.directory, directory) &&
        !are_of_one_project(place, directory))
      continue;
    protocol::Cause cause{
        protocol::CauseKind::refused, refusal.finding.what, "main " + refusal.finding.kind, {}, {},
        refusal.key.program};
    all.push_back({protocol::Stage::main, std::move(cause), 0});
  }
  return all;
}

}  // namespace hearth::daemon
