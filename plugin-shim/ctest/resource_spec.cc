#include "plugin-shim/ctest/resource_spec.h"

#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>

#include "plugin-shim/ctest/regular_expression.h"

namespace hearth::ctest {
namespace {

using Json = nlohmann::json;

// False: it is none.
bool add_units(const std::string& type, const Json& units, scheduler::Resources& resources) {
  static const RegularExpression id_form("^[a-z0-9_]+$");
  if (!units.is_array()) return false;
  resources.add_type(type);
  for (const Json& unit : units) {
    if (!unit.is_object() || !unit.contains("id") || !unit["id"].is_string()) return false;
    const auto id = unit["id"].get<std::string>();
    const Json slots = unit.value("slots", Json(1U));
    if (!id_form.matches(id) || !slots.is_number_unsigned()) return false;
    resources.add(type, id, slots.get<unsigned>());
  }
  return true;
}

std::string slots_text(unsigned count) {
  return std::to_string(count) + (count == 1 ? " slot\n" : " slots\n");
}

}  // namespace

std::optional<scheduler::Resources> read_resource_spec(const std::filesystem::path& file) {
  static const RegularExpression type_form("^[a-z_][a-z0-9_]*$");
  std::ifstream stream(file);
  const Json root = Json::parse(stream, nullptr, false);
  if (!root.is_object() || !root.contains("version")) return std::nullopt;
  if (root["version"] != Json{{"major", 1}, {"minor", 0}}) return std::nullopt;
  scheduler::Resources resources;
  const Json local = root.value("local", Json());
  if (!local.is_array() || local.size() > 1) return std::nullopt;
  if (local.empty()) return resources;
  if (!local[0].is_object()) return std::nullopt;
  for (const auto& [type, units] : local[0].items()) {
    if (type_form.matches(type) && !add_units(type, units, resources)) return std::nullopt;
  }
  return resources;
}

std::string resource_spec_of_project(const std::filesystem::path& directory) {
  constexpr std::string_view kBegin = "set(CTEST_RESOURCE_SPEC_FILE \"";
  std::ifstream stream(directory / "CTestTestfile.cmake");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(kBegin) && line.ends_with("\")"))
      return line.substr(kBegin.size(), line.size() - kBegin.size() - 2);
  }
  return {};
}

std::vector<scheduler::ResourceNeed> needs_of(const Test& test) {
  std::vector<scheduler::ResourceNeed> needs;
  for (std::size_t group = 0; group < test.resource_groups.size(); ++group) {
    for (const ResourceRequirement& requirement : test.resource_groups[group])
      needs.push_back({group, requirement.type, static_cast<unsigned>(requirement.slots)});
  }
  return needs;
}

std::string lack_of(const Test& test, const scheduler::Resources& resources,
                    const std::string& file) {
  const std::vector<scheduler::ResourceNeed> needs = needs_of(test);
  const auto lacks = resources.lacks(needs);
  if (lacks.empty()) return {};
  std::string text = "Insufficient resources for test " + test.name + ":\n\n";
  for (const scheduler::Resources::Lack& lack : lacks) {
    const std::string type = "  Test requested resources of type '" + lack.type + "' ";
    if (!lack.exists) {
      text += type + "which does not exist\n\n";
      continue;
    }
    text += type + "in the following amounts:\n";
    for (const scheduler::ResourceNeed& need : needs) {
      if (need.type == lack.type) text += "    " + slots_text(need.slots);
    }
    text += "  but only the following units were available:\n";
    for (const auto& [id, unit] : resources.types().at(lack.type))
      text += "    '" + id + "': " + slots_text(unit.total);
    text += "\n";
  }
  return text + "Resource spec file:\n\n  " + file;
}

}  // namespace hearth::ctest
