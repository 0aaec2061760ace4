#include "daemon/trace.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "protocol/signature.h"

namespace hearth::daemon {
namespace {

using protocol::Cause;
using protocol::FileKind;
using protocol::FileSignature;

std::string permissions(const FileSignature& file) {
  return fmt::format("{:o}", file.mode & 07777);
}

// Of two signatures that are not the same for the stage. It may be the same again by now, or never
// have been told apart by what is asked here: then it is only said to have changed.
Cause describe(const FileSignature& before, const FileSignature& after) {
  const auto cause = [&](std::string aspect, std::string was = {}, std::string is = {}) {
    return Cause{protocol::CauseKind::file,
                 before.path,
                 std::move(aspect),
                 std::move(was),
                 std::move(is),
                 {}};
  };
  if (before.kind != after.kind)
    return cause("kind", std::string(to_string(before.kind)), std::string(to_string(after.kind)));
  if (before.kind == FileKind::link) return cause("target");
  if (before.kind == FileKind::directory && before.look == protocol::Look::content)
    return cause("listing");
  if (before.kind == FileKind::file && before.size != after.size)
    return cause("size", std::to_string(before.size), std::to_string(after.size));
  if (permissions(before) != permissions(after))
    return cause("mode", permissions(before), permissions(after));
  if (!before.digest.empty() && before.digest != after.digest) return cause("content");
  if (before.inode != after.inode || before.device != after.device) return cause("identity");
  return cause("times");
}

}  // namespace

void Trace::add(std::vector<protocol::FileSignature> files) {
  files_.insert(files_.end(), std::make_move_iterator(files.begin()),
                std::make_move_iterator(files.end()));
  held_ = Clock::time_point::min();
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

std::optional<Cause> Trace::first_difference() {
  const auto differs = [](FileSignature& file) { return !protocol::holds(file); };
  const auto it = std::find_if(files_.begin(), files_.end(), differs);
  if (it == files_.end()) return std::nullopt;
  // A file in it that appeared or went says more than that names came or went.
  if (it->kind == FileKind::directory) {
    const auto in_it = std::find_if(std::next(it), files_.end(), [&](FileSignature& file) {
      const auto slash = file.path.rfind('/');
      return file.path.compare(0, slash, it->path) == 0 && differs(file);
    });
    if (in_it != files_.end())
      return describe(*in_it, protocol::take_signature(in_it->path, in_it->look));
  }
  return describe(*it, protocol::take_signature(it->path, it->look));
}

std::optional<Cause> Trace::first_difference_since(Clock::time_point time) {
  if (held_ >= time) return std::nullopt;
  const auto now = Clock::now();
  auto difference = first_difference();
  if (!difference) held_ = now;
  return difference;
}

}  // namespace hearth::daemon
