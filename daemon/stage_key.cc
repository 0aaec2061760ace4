#include "daemon/stage_key.h"

#include <algorithm>
#include <string_view>

#include "daemon/environment_reads.h"

namespace hearth::daemon {

using protocol::Flavour;
using protocol::Stage;

namespace {

bool has_relative_path(std::string_view paths) {
  for (std::size_t begin = 0; begin <= paths.size();) {
    const auto end = std::min(paths.find(':', begin), paths.size());
    if (end == begin || paths[begin] != '/') return true;
    begin = end + 1;
  }
  return false;
}

// Whether an interpreter takes its directory for something at its start: `site` makes relative
// paths absolute, and coverage, started by a `.pth` file, decides where its data goes.
bool starts_by_directory(const std::vector<std::string>& environment) {
  return std::any_of(environment.begin(), environment.end(), [](std::string_view entry) {
    const auto name = entry.substr(0, entry.find('='));
    const auto value = entry.substr(std::min(name.size() + 1, entry.size()));
    if (value.empty()) return false;
    if (name == "PYTHONPATH" || name == "PYTHONHOME" || name == "PYTHONUSERBASE")
      return has_relative_path(value);
    return name.starts_with("COVERAGE_PROCESS_") || name.starts_with("COV_CORE_");
  });
}

}  // namespace

StreamShape shape_of(const std::array<protocol::Fd, 3>& streams) {
  StreamShape shape;
  for (std::size_t i = 0; i < streams.size(); ++i)
    shape.terminals[i] = terminal_of(streams[i].get());
  shape.joined_output = same_file(streams[1].get(), streams[2].get());
  return shape;
}

StageKey key_of(Stage stage, const ProcessRequest& request) {
  StageKey key;
  key.stage = stage;
  key.spec.python = request.spec.python;
  key.spec.environment = always_compared(request.spec.environment);
  if (stage != Stage::interpreter || starts_by_directory(request.spec.environment))
    key.spec.directory = request.spec.directory;
  if (stage == Stage::interpreter) return key;
  key.spec.context = request.spec.context;
  if (stage == Stage::preloaded) return key;
  key.flavour = request.flavour;
  key.spec = request.spec;
  key.spec.args.clear();
  key.spec.environment = always_compared(request.spec.environment);
  if (request.flavour == Flavour::worker) {
    key.distribution = request.distribution;
  } else {
    key.shape = request.shape;
  }
  return key;
}

}  // namespace hearth::daemon
