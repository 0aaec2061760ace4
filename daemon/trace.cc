#include "daemon/trace.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "protocol/signature.h"

namespace hearth::daemon {

void Trace::add(std::vector<protocol::FileSignature> files) {
  files_.insert(files_.end(), std::make_move_iterator(files.begin()),
                std::make_move_iterator(files.end()));
}

std::vector<std::string> Trace::directories() const {
  std::set<std::string> all;
  for (const auto& file : files_) {
    const auto slash = file.path.rfind('/');
    if (slash != std::string::npos && slash > 0) all.insert(file.path.substr(0, slash));
    if (file.kind == protocol::FileKind::directory) all.insert(file.path);
  }
  return {all.begin(), all.end()};
}

std::optional<std::string> Trace::first_difference() {
  const auto differs = [](protocol::FileSignature& file) { return !protocol::holds(file); };
  const auto it = std::find_if(files_.begin(), files_.end(), differs);
  if (it == files_.end()) return std::nullopt;
  return it->path;
}

}  // namespace hearth::daemon
