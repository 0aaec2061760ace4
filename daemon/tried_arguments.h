// What an argument list comes to in a fork of a zygote that was started with another one.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/trace.h"
#include "protocol/messages.gen.h"

namespace hearth::daemon {

// As the zygote found out by parsing it (arguments_tried), or, for its own list, without asking.
class TriedArguments {
 public:
  // The zygote's own ones.
  explicit TriedArguments(bool distributed) : distributed_(distributed) {}
  explicit TriedArguments(protocol::ArgumentsTried answer);

  // Why no fork of the zygote can be given these; empty: it can.
  const std::string& refusal() const { return refusal_; }
  // A session with them has no stage beyond `configured`.
  bool distributed() const { return distributed_; }
  // What the answer depends on besides the zygote's own trace.
  Trace& trace() { return trace_; }
  std::chrono::steady_clock::time_point since() const { return since_; }

  // The first of the options read that has another value with these arguments than with those, both
  // tried with one zygote. Nothing: what was read is the same.
  std::optional<protocol::Cause> first_difference(const std::vector<protocol::OptionRead>& reads,
                                                  const TriedArguments& other) const;

 private:
  std::string refusal_;
  bool distributed_ = false;
  std::map<std::string, protocol::OptionDifference> differences_;  // from the zygote's own
  Trace trace_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

}  // namespace hearth::daemon
