#include "daemon/environment_reads.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

namespace hearth::daemon {
namespace {

using protocol::CauseKind;
using protocol::EnvironmentRead;

// By name, or by how the name begins (with a `*` at the end).
constexpr std::array<std::string_view, 15> read_unseen = {
    "GCONV_PATH", "GLIBC_TUNABLES", "HOSTALIASES", "LANG",    "LANGUAGE",
    "LC_*",       "LD_*",           "LOCALDOMAIN", "LOCPATH", "MALLOC_*",
    "NLSPATH",    "PYTHON*",        "RES_OPTIONS", "TZ",      "TZDIR"};

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool is_read_unseen(const std::string& entry) {
  const auto name = name_of(entry);
  return std::any_of(read_unseen.begin(), read_unseen.end(), [&](std::string_view pattern) {
    if (!pattern.ends_with('*')) return name == pattern;
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
  });
}

using Variables = std::map<std::string, std::string, std::less<>>;

// An interpreter is no worker yet.
Variables variables_of(protocol::Stage stage, const ProcessRequest& request) {
  Variables variables;
  for (const auto& entry : request.spec.environment) {
    const auto name = name_of(entry);
    if (!name.empty() && name.size() < entry.size())
      variables.emplace(name, entry.substr(name.size() + 1));
  }
  if (request.flavour == protocol::Flavour::worker && stage != protocol::Stage::interpreter) {
    variables["PYTEST_XDIST_WORKER"] = request.identity.id;
    variables["PYTEST_XDIST_WORKER_COUNT"] = std::to_string(request.identity.count);
    variables["PYTEST_XDIST_TESTRUNUID"] = request.identity.testrun;
  }
  return variables;
}

// No variable's name begins like this one.
bool is_worker_input(std::string_view name) { return name.starts_with('='); }

std::optional<std::string> worker_input(std::string_view name, const ProcessRequest& request) {
  const auto key = name.substr(1);
  std::string keys;
  for (const auto& each : request.identity.input) {
    if (!key.empty() && each.name == key) return each.value;
    keys += (keys.empty() ? "" : std::string(1, '\0')) + each.name;
  }
  if (key.empty()) return keys;
  return std::nullopt;
}

// Its value is not text.
protocol::Cause differing_input(const EnvironmentRead& read, bool is_set) {
  const char* aspect = !read.is_set ? "set" : !is_set ? "unset" : "value";
  return {CauseKind::worker_input, read.name.substr(1), aspect, {}, {}, {}};
}

std::set<std::string, std::less<>> split(const std::string& names) {
  std::set<std::string, std::less<>> all;
  for (std::size_t begin = 0; begin <= names.size();) {
    const auto end = std::min(names.find('\0', begin), names.size());
    all.insert(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

}  // namespace

std::vector<std::string> always_compared(const std::vector<std::string>& environment) {
  std::vector<std::string> kept;
  std::copy_if(environment.begin(), environment.end(), std::back_inserter(kept), is_read_unseen);
  std::sort(kept.begin(), kept.end());
  return kept;
}

std::optional<protocol::Cause> first_difference(const std::vector<EnvironmentRead>& reads,
                                                protocol::Stage stage,
                                                const ProcessRequest& request) {
  if (reads.empty()) return std::nullopt;
  const auto variables = variables_of(stage, request);
  std::set<std::string_view> named;
  std::vector<const std::string*> sweeps;
  for (const auto& read : reads) {
    if (read.name.empty()) {
      sweeps.push_back(&read.value);
      continue;
    }
    if (is_worker_input(read.name)) {
      const auto value = worker_input(read.name, request);
      if (value.has_value() != read.is_set || (value && *value != read.value))
        return differing_input(read, value.has_value());
      continue;
    }
    named.insert(read.name);
    const auto it = variables.find(read.name);
    const bool is_set = it != variables.end();
    if (is_set == read.is_set && (!is_set || it->second == read.value)) continue;
    const char* aspect = !read.is_set ? "set" : !is_set ? "unset" : "value";
    return protocol::Cause{CauseKind::variable,      read.name, aspect, read.value,
                           is_set ? it->second : "", {}};
  }
  for (const auto* names : sweeps) {
    const auto not_meant = split(*names);
    for (const auto& [name, value] : variables) {
      if (named.contains(name) || not_meant.contains(name)) continue;
      return protocol::Cause{CauseKind::variable, name, "set", {}, value, {}};
    }
  }
  return std::nullopt;
}

}  // namespace hearth::daemon
