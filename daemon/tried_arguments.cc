#include "daemon/tried_arguments.h"

#include <utility>

namespace hearth::daemon {

TriedArguments::TriedArguments(protocol::ArgumentsTried answer)
    : refusal_(std::move(answer.refusal)), distributed_(answer.distributed) {
  for (auto& each : answer.differences) {
    auto name = each.name;
    differences_.emplace(std::move(name), std::move(each));
  }
  trace_.add(std::move(answer.files));
}

std::optional<protocol::Cause> TriedArguments::first_difference(
    const std::vector<protocol::OptionRead>& reads, const TriedArguments& other) const {
  for (const auto& read : reads) {
    const auto here = differences_.find(read.name);
    const auto there = other.differences_.find(read.name);
    const bool differs_here = here != differences_.end();
    const bool differs_there = there != other.differences_.end();
    if (!differs_here && !differs_there) continue;
    if (differs_here && differs_there && here->second.other == there->second.other) continue;
    return protocol::Cause{protocol::CauseKind::option,
                           read.name,
                           {},
                           differs_here ? here->second.other : there->second.own,
                           differs_there ? there->second.other : here->second.own,
                           read.reader};
  }
  return std::nullopt;
}

}  // namespace hearth::daemon
