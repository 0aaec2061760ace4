#include "plugin-shim/ctest/test_list_json.h"

#include <csignal>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

namespace hearth::ctest {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<std::string> list_of(const Json& value) {
  std::vector<std::string> list;
  if (!value.is_array()) return {text_of(value)};
  for (const Json& entry : value) list.push_back(text_of(entry));
  return list;
}

double number_of(const Json& value) {
  return value.is_number() ? value.get<double>() : std::atof(text_of(value).c_str());
}

bool truth_of(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  const std::string text = text_of(value);
  return text == "1" || text == "ON" || text == "TRUE" || text == "YES" || text == "Y" ||
         text == "true";
}

std::vector<std::vector<ResourceRequirement>> groups_of(const Json& value) {
  std::vector<std::vector<ResourceRequirement>> groups;
  for (const Json& group : value) {
    std::vector<ResourceRequirement>& requirements = groups.emplace_back();
    for (const Json& requirement : group.value("requirements", Json::array()))
      requirements.push_back({requirement.value(".type", ""), requirement.value("slots", 0)});
  }
  return groups;
}

std::optional<TimeoutSignal> signal_of(const std::string& name) {
  static const std::unordered_map<std::string, int> numbers{{"SIGINT", SIGINT},
                                                            {"SIGQUIT", SIGQUIT},
                                                            {"SIGTERM", SIGTERM},
                                                            {"SIGUSR1", SIGUSR1},
                                                            {"SIGUSR2", SIGUSR2}};
  const auto found = numbers.find(name);
  if (found == numbers.end()) return std::nullopt;
  return TimeoutSignal{name, found->second};
}

using Setter = std::function<void(Test&, const Json&)>;

template <typename Member, typename Read>
Setter set(Member member, Read read) {
  return [member, read](Test& test, const Json& value) { test.*member = read(value); };
}

const std::unordered_map<std::string, Setter>& setters() {
  static const auto seconds = [](const Json& value) { return Seconds(number_of(value)); };
  static const std::unordered_map<std::string, Setter> table{
      {"ATTACHED_FILES", set(&Test::attached_files, list_of)},
      {"ATTACHED_FILES_ON_FAIL", set(&Test::attached_files_on_fail, list_of)},
      {"COST", set(&Test::cost, number_of)},
      {"DEPENDS", set(&Test::depends, list_of)},
      {"DISABLED", set(&Test::disabled, truth_of)},
      {"ENVIRONMENT", set(&Test::environment, list_of)},
      {"ENVIRONMENT_MODIFICATION", set(&Test::environment_modification, list_of)},
      {"FAIL_REGULAR_EXPRESSION", set(&Test::fail_expressions, list_of)},
      {"FIXTURES_CLEANUP", set(&Test::fixtures_cleanup, list_of)},
      {"FIXTURES_REQUIRED", set(&Test::fixtures_required, list_of)},
      {"FIXTURES_SETUP", set(&Test::fixtures_setup, list_of)},
      {"GENERATED_RESOURCE_SPEC_FILE", set(&Test::generated_resource_spec_file, text_of)},
      {"LABELS", set(&Test::labels, list_of)},
      {"MEASUREMENT",
       [](Test& test, const Json& value) {
         for (const Json& entry : value)
           test.measurements[entry.value("measurement", "")] = entry.value("value", "");
       }},
      {"PASS_REGULAR_EXPRESSION", set(&Test::pass_expressions, list_of)},
      {"PROCESSORS",
       [](Test& test, const Json& value) {
         test.processors = static_cast<unsigned>(std::max(1.0, number_of(value)));
       }},
      {"PROCESSOR_AFFINITY", set(&Test::processor_affinity, truth_of)},
      {"REQUIRED_FILES", set(&Test::required_files, list_of)},
      {"RESOURCE_GROUPS", set(&Test::resource_groups, groups_of)},
      {"RESOURCE_LOCK", set(&Test::resource_locks, list_of)},
      {"RUN_SERIAL", set(&Test::run_serial, truth_of)},
      {"SKIP_REGULAR_EXPRESSION", set(&Test::skip_expressions, list_of)},
      {"SKIP_RETURN_CODE",
       [](Test& test, const Json& value) {
         test.skip_return_code = static_cast<int>(number_of(value));
       }},
      {"TIMEOUT", set(&Test::timeout, seconds)},
      {"TIMEOUT_AFTER_MATCH",
       [](Test& test, const Json& value) {
         test.timeout_after_match = {list_of(value.value("regex", Json::array())),
                                     Seconds(value.value("timeout", 0.0))};
       }},
      {"TIMEOUT_SIGNAL_GRACE_PERIOD", set(&Test::timeout_grace_period, seconds)},
      {"TIMEOUT_SIGNAL_NAME",
       [](Test& test, const Json& value) { test.timeout_signal = signal_of(text_of(value)); }},
      {"WILL_FAIL", set(&Test::will_fail, truth_of)},
      {"WORKING_DIRECTORY", set(&Test::directory, text_of)},
  };
  return table;
}

Test test_of(const Json& entry) {
  Test test;
  test.name = entry.value("name", "");
  if (const auto command = entry.find("command"); command != entry.end())
    test.command = list_of(*command);
  const auto properties = entry.find("properties");
  if (properties == entry.end()) return test;
  for (const Json& property : *properties) {
    const auto setter = setters().find(property.value("name", ""));
    const auto value = property.find("value");
    if (setter != setters().end() && value != property.end()) setter->second(test, *value);
  }
  return test;
}

}  // namespace

tl::expected<std::vector<Test>, std::string> tests_of_json(std::string_view text) {
  // The library throws for a value that is of another kind than it is asked for.
  try {
    const Json whole = Json::parse(text);
    std::vector<Test> tests;
    for (const Json& entry : whole.at("tests")) tests.push_back(test_of(entry));
    return tests;
  } catch (const Json::exception& error) {
    return tl::unexpected("ctest's list of tests makes no sense: " + std::string(error.what()));
  }
}

}  // namespace hearth::ctest
