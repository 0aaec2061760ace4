#include "daemon/explanations.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace hearth::daemon {
namespace {

constexpr std::size_t remembered_directories = 64;

}  // namespace

void Explanations::run_began(const protocol::ProcessSpec& spec) {
  std::erase_if(runs_, [&](const Run& each) { return each.directory == spec.directory; });
  runs_.push_front({spec.directory, spec.args, Clock::now(), {}});
  if (runs_.size() > remembered_directories) runs_.pop_back();
}

void Explanations::add(const ProcessRequest& request, std::vector<protocol::StageAccount> stages) {
  // Another one may have begun there meanwhile.
  const auto run = std::find_if(runs_.begin(), runs_.end(), [&](const Run& each) {
    return each.directory == request.spec.directory && each.args == request.spec.args;
  });
  if (run == runs_.end()) return;
  const bool is_known =
      std::any_of(run->flavours.begin(), run->flavours.end(),
                  [&](const auto& each) { return each.flavour == request.flavour; });
  if (!is_known) run->flavours.push_back({request.flavour, std::move(stages)});
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
