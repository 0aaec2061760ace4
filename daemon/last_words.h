// What is left of a worker that died: in files that it named when it began (`last_words`), which
// outlive it.
#pragma once

#include <vector>

#include "protocol/fd.h"
#include "protocol/messages.gen.h"

namespace hearth::daemon {

class LastWords {
 public:
  LastWords() = default;
  explicit LastWords(std::vector<protocol::Fd> files) : files_(std::move(files)) {}

  // Of what is long, the end. A worker that is still there may be writing.
  void add_to(protocol::WorkerEnded& ended) const;

 private:
  std::vector<protocol::Fd> files_;  // in the order of the message
};

}  // namespace hearth::daemon
