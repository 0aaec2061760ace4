// What a zygote was seen to read up to its stage, and whether it still is so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/messages.gen.h"

namespace hearth::daemon {

class Trace {
 public:
  void add(std::vector<protocol::FileSignature> files);
  void add(const Trace& other) {
    files_.insert(files_.end(), other.files_.begin(), other.files_.end());
  }

  // Looks at every file again; the first one that differs, and in what. A microsecond or two for
  // each file. Where content had to decide and holds, the stat fields are refreshed.
  [[nodiscard]] std::optional<protocol::Cause> first_difference();

  // Those that the files lie in, and those that were listed; each once.
  [[nodiscard]] std::vector<std::string> directories() const;

  [[nodiscard]] std::size_t size() const { return files_.size(); }

 private:
  std::vector<protocol::FileSignature> files_;
};

}  // namespace hearth::daemon
