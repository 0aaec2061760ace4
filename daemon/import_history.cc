#include "daemon/import_history.h"

#include <spdlog/fmt/fmt.h>
#include <xxhash.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "daemon/log.h"
#include "daemon/stage_key.h"

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

// Whether the module is one of these, or lies in one.
template <typename Names>
bool is_in(const std::string& module, const Names& names) {
  for (auto end = module.size(); end != std::string::npos;
       end = end == 0 ? std::string::npos : module.rfind('.', end - 1)) {
    if (names.contains(module.substr(0, end))) return true;
  }
  return false;
}

void sort_and_unite(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
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
  project.directory = spec.directory;
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
    project.declared = {json.at("declared").at(0), json.at("declared").at(1)};
  } catch (const Json::exception& error) {
    log("history").warn("import_history_unreadable file={} error={:?}", file.string(),
                        error.what());
    project = {};
    project.directory = spec.directory;
  }
  return project;
}

ImportHistory::Plan ImportHistory::plan(const protocol::ProcessSpec& spec) {
  auto& known = project(spec);
  if (known.rejected.size() > max_rejections) return {};
  const std::set<std::string> forbidden(known.declared.no_preload.begin(),
                                        known.declared.no_preload.end());
  if (forbidden.contains("*")) return {};
  std::set<std::string> names;
  for (const auto& module : known.known.modules) {
    names.insert(module.name);
    const auto rejection = known.rejected.find(module.name);
    if (rejection != known.rejected.end() &&
        rejection->second.changed != modification_time(module.file))
      known.rejected.erase(rejection);
  }
  Plan plan;
  plan.excluded = known.known.excluded;
  plan.excluded.insert(plan.excluded.end(), forbidden.begin(), forbidden.end());
  sort_and_unite(plan.excluded);
  // What lies in a rejected package cannot be imported without it.
  const auto add = [&](const protocol::ModuleOrigin& module) {
    if (!is_in(module.name, known.rejected) && !is_in(module.name, forbidden))
      plan.modules.push_back(module);
  };
  for (const auto& module : known.known.modules) add(module);
  for (const auto& name : known.declared.preload) {
    if (!names.contains(name)) add({name, {}});
  }
  return plan;
}

void ImportHistory::add(const protocol::ProcessSpec& spec,
                        std::vector<protocol::ModuleOrigin> modules,
                        std::vector<std::string> excluded, Declared declared) {
  declare(spec, std::move(declared));
  auto& project = this->project(spec);
  auto all = project.known.modules;
  std::set<std::string> names;
  for (const auto& module : all) names.insert(module.name);
  for (auto& module : modules) {
    if (!names.contains(module.name)) all.push_back(std::move(module));
  }
  excluded.insert(excluded.end(), project.known.excluded.begin(), project.known.excluded.end());
  sort_and_unite(excluded);
  if (all.size() > max_modules) all.resize(max_modules);
  Plan known{std::move(all), std::move(excluded)};
  if (known == project.known) return;
  project.known = std::move(known);
  write(spec, project);
}

void ImportHistory::declare(const protocol::ProcessSpec& spec, Declared declared) {
  auto& project = this->project(spec);
  if (declared == project.declared) return;
  project.declared = std::move(declared);
  project.rejected.clear();
  write(spec, project);
}

std::vector<protocol::Complaint> ImportHistory::complaints(const std::string& directory) const {
  std::vector<protocol::Complaint> all;
  for (const auto& [file, project] : projects_) {
    if (!are_of_one_project(project.directory, directory)) continue;
    for (const auto& [name, rejection] : project.rejected) {
      all.push_back({protocol::Stage::preloaded,
                     {protocol::CauseKind::preload, rejection.reason, name, {}, {}, {}},
                     0});
    }
  }
  return all;
}

void ImportHistory::reject(const protocol::ProcessSpec& spec, const std::string& module,
                           const std::string& reason) {
  auto& project = this->project(spec);
  const auto it = std::find_if(project.known.modules.begin(), project.known.modules.end(),
                               [&](const auto& each) { return each.name == module; });
  const auto& wanted = project.declared.preload;
  const bool is_known = it != project.known.modules.end();
  if (!is_known && std::find(wanted.begin(), wanted.end(), module) == wanted.end()) return;
  project.rejected[module] = {reason, is_known ? modification_time(it->file) : 0};
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
  const Json json{
      {"python", spec.python},
      {"directory", spec.directory},
      {"modules", std::move(modules)},
      {"excluded", project.known.excluded},
      {"rejected", std::move(rejected)},
      {"declared", Json::array({project.declared.preload, project.declared.no_preload})}};
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
