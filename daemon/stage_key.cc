#include "daemon/stage_key.h"

#include <algorithm>
#include <string_view>

namespace hearth::daemon {
namespace {

using protocol::Flavour;
using protocol::Stage;

constexpr std::array<std::string_view, 6> shell_bookkeeping = {"PWD", "OLDPWD",  "SHLVL",
                                                               "_",   "COLUMNS", "LINES"};

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool is_last_command(const std::string& entry) { return name_of(entry) == "_"; }

// What a stage depends on: order does not matter, and a fork gets the `_` of its own run (see
// reads_fit).
std::vector<std::string> normalised(std::vector<std::string> entries) {
  std::erase_if(entries, is_last_command);
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::string value_of_last_command(const std::vector<std::string>& environment) {
  const auto it = std::find_if(environment.begin(), environment.end(), is_last_command);
  return it == environment.end() ? std::string{} : it->substr(2);
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
  if (stage == Stage::interpreter) {
    key.spec.environment = normalised(interpreter_environment(request.spec.environment));
    return key;
  }
  if (stage == Stage::preloaded) {
    key.spec.directory = request.spec.directory;
    key.spec.environment = normalised(request.spec.environment);
    return key;
  }
  key.flavour = request.flavour;
  key.spec = request.spec;
  key.spec.environment = normalised(std::move(key.spec.environment));
  if (request.flavour == Flavour::worker) {
    key.distribution = request.distribution;
  } else {
    key.shape = request.shape;
  }
  return key;
}

bool reads_fit(const std::vector<protocol::EnvironmentRead>& reads, const ProcessRequest& request) {
  const auto& identity = request.identity;
  return std::all_of(reads.begin(), reads.end(), [&](const protocol::EnvironmentRead& read) {
    if (read.name == "PYTEST_XDIST_WORKER") return read.value == identity.id;
    if (read.name == "PYTEST_XDIST_WORKER_COUNT")
      return read.value == std::to_string(identity.count);
    if (read.name == "PYTEST_XDIST_TESTRUNUID") return read.value == identity.testrun;
    if (read.name == "_") return read.value == value_of_last_command(request.spec.environment);
    return false;  // a kind of read that this daemon does not know: never the same
  });
}

std::vector<std::string> interpreter_environment(const std::vector<std::string>& environment) {
  std::vector<std::string> kept;
  std::copy_if(environment.begin(), environment.end(), std::back_inserter(kept),
               [](const std::string& entry) {
                 return std::find(shell_bookkeeping.begin(), shell_bookkeeping.end(),
                                  name_of(entry)) == shell_bookkeeping.end();
               });
  return kept;
}

}  // namespace hearth::daemon
