// What a zygote was seen to read up to its stage, and whether it still is so.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "protocol/messages.gen.h"

namespace hearth::daemon {

class Trace {
 public:
  using Clock = std::chrono::steady_clock;

  void add(std::vector<protocol::FileSignature> files);
  void add(const Trace& other) { add(other.files_); }

  // Looks at every file again; the first one that differs, and in what. A microsecond or two for
  // each file. Where content had to decide and holds, the stat fields are refreshed.
  [[nodiscard]] std::optional<protocol::Cause> first_difference();

  // Likewise, but does not look again when it has found no difference at this time or later.
  [[nodiscard]] std::optional<protocol::Cause> first_difference_since(Clock::time_point time);

  // Those that the files lie in, and those that were listed; each once.
  [[nodiscard]] std::vector<std::string> directories() const;

  [[nodiscard]] const std::vector<protocol::FileSignature>& files() const { return files_; }
  [[nodiscard]] std::size_t size() const { return files_.size(); }

 private:
  std::vector<protocol::FileSignature> files_;
  Clock::time_point held_ = Clock::time_point::min();
};

}  // namespace hearth::daemon
