#include "daemon/explanations.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace hearth::daemon {
namespace {

using protocol::CauseKind;

constexpr std::size_t remembered_directories = 64;
constexpr std::size_t remembered_recurrences = 256;
constexpr std::size_t remembered_causes = 64;  // of the commands of one run
constexpr std::uint64_t worth_telling = 2;

// What a run may bring in another way each time, without anything having changed.
bool may_recur(CauseKind kind) {
  return kind == CauseKind::variable || kind == CauseKind::worker_input ||
         kind == CauseKind::option || kind == CauseKind::surroundings;
}

bool is_the_same(const protocol::Cause& a, const protocol::Cause& b) {
  return a.kind == b.kind && a.subject == b.subject && a.place == b.place;
}

}  // namespace

void Explanations::run_began(const protocol::ProcessSpec& spec) {
  std::erase_if(runs_, [&](const Run& each) { return each.directory == spec.directory; });
  runs_.push_front({spec.directory, spec.args, Clock::now(), {}});
  if (runs_.size() > remembered_directories) runs_.pop_back();
}

void Explanations::add(const ProcessRequest& request, std::vector<protocol::StageAccount> stages) {
  auto* run = find(request.spec);
  if (run == nullptr) return;
  const bool is_known =
      std::any_of(run->flavours.begin(), run->flavours.end(),
                  [&](const auto& each) { return each.flavour == request.flavour; });
  if (is_known) return;
  count(run->directory, stages);
  run->flavours.push_back({request.flavour, std::move(stages)});
}

void Explanations::add_command(const protocol::ProcessSpec& spec, protocol::Cause cause) {
  auto* run = find(spec);
  if (run == nullptr) return;
  if (run->flavours.empty()) run->flavours.push_back({protocol::Flavour::command, {}});
  auto& stages = run->flavours.front().stages;
  const bool is_known = std::any_of(stages.begin(), stages.end(),
                                    [&](const auto& each) { return each.cause == cause; });
  if (!is_known && stages.size() < remembered_causes)
    stages.push_back({protocol::Stage::main, std::move(cause)});
}

// None, when another one has begun there meanwhile.
Explanations::Run* Explanations::find(const protocol::ProcessSpec& spec) {
  const auto run = std::find_if(runs_.begin(), runs_.end(), [&](const Run& each) {
    return each.directory == spec.directory && each.args == spec.args;
  });
  return run == runs_.end() ? nullptr : &*run;
}

void Explanations::count(const std::string& directory,
                         const std::vector<protocol::StageAccount>& stages) {
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto& cause = stages[i].cause;
    const bool is_likewise = i + 1 < stages.size() && is_the_same(stages[i + 1].cause, cause);
    if (!may_recur(cause.kind) || is_likewise) continue;
    const auto known =
        std::find_if(recurrences_.begin(), recurrences_.end(), [&](const auto& each) {
          return each.directory == directory && is_the_same(each.complaint.cause, cause);
        });
    Recurrence now{directory, {stages[i].stage, cause, 1}};
    if (known != recurrences_.end()) {
      now.complaint.times += known->complaint.times;
      recurrences_.erase(known);
    }
    recurrences_.push_front(std::move(now));
    if (recurrences_.size() > remembered_recurrences) recurrences_.pop_back();
  }
}

bool Explanations::knows(const std::string& directory) const {
  return std::any_of(runs_.begin(), runs_.end(), [&](const Run& each) {
    return are_of_one_project(each.directory, directory);
  });
}

std::vector<protocol::Complaint> Explanations::complaints(const std::string& directory) const {
  std::vector<protocol::Complaint> all;
  for (const auto& each : recurrences_) {
    if (each.complaint.times >= worth_telling && are_of_one_project(each.directory, directory))
      all.push_back(each.complaint);
  }
  return all;
}

protocol::Explanation Explanations::last_run(const std::string& directory) const {
  auto run = std::find_if(runs_.begin(), runs_.end(),
                          [&](const Run& each) { return each.directory == directory; });
  protocol::Explanation explanation;
  explanation.found = run != runs_.end();
  if (!explanation.found) run = runs_.begin();
  if (run == runs_.end()) return explanation;
  explanation.directory = run->directory;
  explanation.args = run->args;
  explanation.age_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - run->began).count());
  if (explanation.found) explanation.flavours = run->flavours;
  return explanation;
}

}  // namespace hearth::daemon
