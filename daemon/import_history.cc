#include "daemon/import_history.h"

#include <spdlog/fmt/fmt.h>
#include <xxhash.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "daemon/log.h"

namespace hearth::daemon {
namespace {

using Json = nlohmann::json;

// More than any project has; a history beyond it is not kept.
constexpr std::size_t max_modules = 20'000;
// With more of them, the project's imports are not worth the search for those that would do.
constexpr std::size_t max_rejections = 32;

std::int64_t modification_time(const std::string& file) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(file, error);
  return error ? 0 : static_cast<std::int64_t>(time.time_since_epoch().count());
}

}  // namespace

std::filesystem::path ImportHistory::file_of(const protocol::ProcessSpec& spec) const {
  const auto key = spec.python + '\0' + spec.directory;
  return directory_ / fmt::format("{:016x}.json", XXH3_64bits(key.data(), key.size()));
}

ImportHistory::Project& ImportHistory::project(const protocol::ProcessSpec& spec) {
  const auto file = file_of(spec);
  const auto [entry, is_new] = projects_.try_emplace(file);
  auto& project = entry->second;
  if (!is_new) return project;
  std::ifstream stream(file);
  if (!stream) return project;
  try {
    const auto json = Json::parse(stream);
    if (json.at("python") != spec.python || json.at("directory") != spec.directory) return project;
    for (const auto& module : json.at("modules"))
      project.known.modules.push_back({module.at(0), module.at(1)});
    project.known.excluded = json.at("excluded");
    for (const auto& rejection : json.at("rejected"))
      project.rejected[rejection.at(0)] = {rejection.at(1), rejection.at(2)};
  } catch (const Json::exception& error) {
    log("history").warn("import_history_unreadable file={} error={:?}", file.string(),
                        error.what());
    project = {};
  }
  return project;
}

ImportHistory::Plan ImportHistory::plan(const protocol::ProcessSpec& spec) {
  auto& known = project(spec);
  if (known.rejected.size() > max_rejections) return {};
  Plan plan;
  plan.excluded = known.known.excluded;
  for (const auto& module : known.known.modules) {
    const auto rejection = known.rejected.find(module.name);
    if (rejection != known.rejected.end() &&
        rejection->second.changed != modification_time(module.file))
      known.rejected.erase(rejection);
  }
  // What lies in a rejected package cannot be imported without it.
  const auto is_rejected = [&](const protocol::ModuleOrigin& module) {
    for (auto end = module.name.size(); end != std::string::npos;
         end = end == 0 ? std::string::npos : module.name.rfind('.', end - 1)) {
      if (known.rejected.contains(module.name.substr(0, end))) return true;
    }
    return false;
  };
  std::copy_if(known.known.modules.begin(), known.known.modules.end(),
               std::back_inserter(plan.modules), std::not_fn(is_rejected));
  return plan;
}

void ImportHistory::add(const protocol::ProcessSpec& spec,
                        std::vector<protocol::ModuleOrigin> modules,
                        std::vector<std::string> excluded) {
  auto& project = this->project(spec);
  auto all = project.known.modules;
  std::set<std::string> names;
  for (const auto& module : all) names.insert(module.name);
  for (auto& module : modules) {
    if (!names.contains(module.name)) all.push_back(std::move(module));
  }
  excluded.insert(excluded.end(), project.known.excluded.begin(), project.known.excluded.end());
  std::sort(excluded.begin(), excluded.end());
  excluded.erase(std::unique(excluded.begin(), excluded.end()), excluded.end());
  if (all.size() > max_modules) all.resize(max_modules);
  Plan known{std::move(all), std::move(excluded)};
  if (known == project.known) return;
  project.known = std::move(known);
  write(spec, project);
}

void ImportHistory::reject(const protocol::ProcessSpec& spec, const std::string& module,
                           const std::string& reason) {
  auto& project = this->project(spec);
  const auto it = std::find_if(project.known.modules.begin(), project.known.modules.end(),
                               [&](const auto& each) { return each.name == module; });
  if (it == project.known.modules.end()) return;
  project.rejected[module] = {reason, modification_time(it->file)};
  log("history").info("preload_rejected module={} reason={:?} directory={}", module, reason,
                      spec.directory);
  write(spec, project);
}

void ImportHistory::write(const protocol::ProcessSpec& spec, const Project& project) const {
  Json modules = Json::array();
  for (const auto& module : project.known.modules) modules.push_back({module.name, module.file});
  Json rejected = Json::array();
  for (const auto& [name, rejection] : project.rejected)
    rejected.push_back({name, rejection.reason, rejection.changed});
  const Json json{{"python", spec.python},
                  {"directory", spec.directory},
                  {"modules", std::move(modules)},
                  {"excluded", project.known.excluded},
                  {"rejected", std::move(rejected)}};
  const auto file = file_of(spec);
  auto unfinished = file;
  unfinished += ".new";
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  {
    std::ofstream stream(unfinished, std::ios::trunc);
    // Paths that are not UTF-8 do not survive; their modules are then not imported ahead.
    stream << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    if (!stream) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) std::filesystem::rename(unfinished, file, error);
  if (error)
    log("history").warn("import_history_unwritable file={} error={}", file.string(),
                        error.message());
}

}  // namespace hearth::daemon
