#include "daemon/stage_key.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "daemon/environment_reads.h"

namespace hearth::daemon {

using protocol::Cause;
using protocol::CauseKind;
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

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

std::string value_of(std::string_view entry) {
  return std::string(entry.substr(std::min(name_of(entry).size() + 1, entry.size())));
}

// The first variable of two sorted environments that they do not have in common.
std::optional<Cause> differing_variable(const std::vector<std::string>& before,
                                        const std::vector<std::string>& after) {
  const auto [was, is] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  if (was == before.end() && is == after.end()) return std::nullopt;
  const bool both = was != before.end() && is != after.end();
  const bool same_name = both && name_of(*was) == name_of(*is);
  const bool is_unset = !same_name && (is == after.end() || (both && *was < *is));
  const std::string_view name = name_of(is_unset || is == after.end() ? *was : *is);
  return Cause{CauseKind::variable,
               std::string(name),
               same_name  ? "value"
               : is_unset ? "unset"
                          : "set",
               same_name || is_unset ? value_of(*was) : "",
               is_unset ? "" : value_of(*is),
               {}};
}

std::string joined(const std::vector<std::string>& paths) {
  std::string text;
  for (const auto& path : paths) text += (text.empty() ? "" : ":") + path;
  return text;
}

std::string numbers(const std::vector<std::uint64_t>& values) {
  return fmt::format("{}", fmt::join(values, ","));
}

std::string describe(const StreamShape& shape) {
  std::string text;
  constexpr std::array names = {"input", "output", "errors"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& terminal = shape.terminals[i];
    text += fmt::format("{}{} ", i == 0 ? "" : ", ", names[i]);
    text += terminal.is_terminal ? fmt::format("terminal {}x{}", terminal.columns, terminal.rows)
                                 : "no terminal";
  }
  return text + (shape.joined_output ? ", joined" : "");
}

}  // namespace

std::optional<Cause> first_difference(const StageKey& before, const StageKey& after) {
  if (before.stage != after.stage || before.flavour != after.flavour ||
      before.spec.directory != after.spec.directory)
    return std::nullopt;
  const auto differ = [](std::string what, std::string was, std::string is) {
    return Cause{CauseKind::surroundings, std::move(what), {}, std::move(was), std::move(is), {}};
  };
  const auto& was = before.spec;
  const auto& is = after.spec;
  if (was.python != is.python) return differ("python", was.python, is.python);
  if (was.script != is.script) return differ("pytest script", was.script, is.script);
  if (auto variable = differing_variable(was.environment, is.environment)) return variable;
  if (was.sys_path != is.sys_path)
    return differ("sys.path", joined(was.sys_path), joined(is.sys_path));
  if (was.umask != is.umask)
    return differ("umask", fmt::format("{:03o}", was.umask), fmt::format("{:03o}", is.umask));
  if (was.context.nice != is.context.nice)
    return differ("nice value", std::to_string(was.context.nice), std::to_string(is.context.nice));
  if (was.context.processors != is.context.processors)
    return differ("processors", numbers(was.context.processors), numbers(is.context.processors));
  if (was.context.limits != is.context.limits) return differ("resource limits", {}, {});
  if (!(was.context == is.context)) return differ("signals or priority", {}, {});
  if (before.distribution != after.distribution)
    return differ("--dist", before.distribution, after.distribution);
  if (!(before.shape == after.shape))
    return differ("standard streams", describe(before.shape), describe(after.shape));
  return std::nullopt;
}

Command command_of(Stage stage, const ProcessRequest& request) {
  return {key_of(stage, request),
          stage < Stage::configured ? std::vector<std::string>{} : request.spec.args};
}

bool are_of_one_project(const std::string& a, const std::string& b) {
  const auto lies_in = [](const std::string& inner, const std::string& outer) {
    return inner.starts_with(outer) &&
           (inner.size() == outer.size() || outer.ends_with('/') || inner[outer.size()] == '/');
  };
  return lies_in(a, b) || lies_in(b, a);
}

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

bool names_items(const ProcessRequest& request) {
  const auto& args = request.spec.args;
  return std::any_of(args.begin(), args.end(), [](const std::string& each) {
    return !each.starts_with('-') && each.find("::") != std::string::npos;
  });
}

bool pauses_at(Stage stage, const ProcessRequest& request) {
  if (stage == Stage::started) return request.flavour == protocol::Flavour::session;
  if (stage == Stage::gathered) return !names_items(request);
  return true;
}

}  // namespace hearth::daemon
