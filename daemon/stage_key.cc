#include "daemon/stage_key.h"

#include "daemon/environment_reads.h"

namespace hearth::daemon {

using protocol::Flavour;
using protocol::Stage;

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
  if (stage == Stage::interpreter) return key;
  key.spec.directory = request.spec.directory;
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
