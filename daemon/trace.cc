#include "daemon/trace.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/signature.h"

namespace hearth::daemon {

void Trace::add(std::vector<protocol::FileSignature> files) {
  files_.insert(files_.end(), std::make_move_iterator(files.begin()),
                std::make_move_iterator(files.end()));
}

std::optional<std::string> Trace::first_difference() {
  const auto differs = [](protocol::FileSignature& file) { return !protocol::holds(file); };
  const auto it = std::find_if(files_.begin(), files_.end(), differs);
  if (it == files_.end()) return std::nullopt;
  return it->path;
}

}  // namespace hearth::daemon
