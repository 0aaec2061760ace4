#include "plugin-shim/ctest/presets.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "plugin-shim/ctest/captured_process.h"
#include "plugin-shim/ctest/preset_macros.h"

namespace hearth::ctest {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// What it says of itself in a file, not of those that inherit from it.
bool is_own(const std::string& key) {
  return key == "name" || key == "hidden" || key == "inherits" || key == "description" ||
         key == "displayName";
}

// One value, however deep it is.
bool is_whole(const std::string& key) { return key == "repeat" || key == "index"; }

// What `to` does not say itself is as in `from`.
void inherit(Json& to, const Json& from) {
  for (const auto& [key, value] : from.items()) {
    if (is_own(key)) continue;
    if (!to.contains(key)) {
      to[key] = value;
    } else if (to[key].is_object() && value.is_object() && !is_whole(key)) {
      inherit(to[key], value);
    }
  }
}

// All presets of the source directory, by name.
class Files {
 public:
  explicit Files(const fs::path& source) {
    for (const char* const name : {"CMakePresets.json", "CMakeUserPresets.json"}) {
      if (fs::exists(source / name)) read(source / name);
    }
  }

  bool is_complete() const { return is_complete_; }
  Json test(const std::string& name) const { return whole(tests_, name); }
  Json configure(const std::string& name) const { return whole(configures_, name); }

 private:
  using Presets = std::map<std::string, Json>;

  void read(const fs::path& file) {
    if (!seen_.insert(file.lexically_normal().string()).second) return;
    std::ifstream stream(file);
    const Json content = Json::parse(stream, nullptr, true, true);
    for (const Json& included : content.value("include", Json::array())) {
      const auto name = included.get<std::string>();
      if (name.find('$') != std::string::npos) {
        is_complete_ = false;
      } else {
        read(file.parent_path() / name);
      }
    }
    for (const Json& preset : content.value("configurePresets", Json::array()))
      configures_[preset.at("name")] = preset;
    for (const Json& preset : content.value("testPresets", Json::array()))
      tests_[preset.at("name")] = preset;
  }

  static Json whole(const Presets& presets, const std::string& name) {
    Json preset = presets.at(name);
    if (!preset.contains("inherits")) return preset;
    const Json parents = preset.at("inherits");
    if (parents.is_string()) {
      inherit(preset, whole(presets, parents));
    } else {
      for (const Json& parent : parents) inherit(preset, whole(presets, parent));
    }
    return preset;
  }

  Presets configures_;
  Presets tests_;
  std::set<std::string> seen_;
  bool is_complete_ = true;
};

PresetMacros::Environment environment_of(const Json& preset) {
  PresetMacros::Environment environment;
  const Json variables = preset.value("environment", Json::object());
  for (const auto& [name, value] : variables.items())
    environment[name] = value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
  return environment;
}

// Options, from the fields that say the same.
class Words {
 public:
  explicit Words(PresetMacros& macros) : macros_(macros) {}

  void read(const Json& preset) {
    value(preset, "configuration", "-C");
    for (const Json& line : preset.value("overwriteConfigurationFile", Json::array()))
      add("--overwrite", line);
    read_output(preset.value("output", Json::object()));
    const Json filter = preset.value("filter", Json::object());
    read_include(filter.value("include", Json::object()));
    read_exclude(filter.value("exclude", Json::object()));
    read_execution(preset.value("execution", Json::object()));
  }

  // Not empty: something is in it that is not taken over.
  const std::string& trouble() const { return trouble_; }
  std::vector<std::string> release() && { return std::move(words_); }

 private:
  void read_output(const Json& output) {
    flag(output, "shortProgress", "--progress");
    flag(output, "outputOnFailure", "--output-on-failure");
    flag(output, "quiet", "-Q");
    flag(output, "labelSummary", "--no-label-summary", false);
    flag(output, "subprojectSummary", "--no-subproject-summary", false);
    value(output, "outputLogFile", "-O");
    value(output, "outputJUnitFile", "--output-junit");
    value(output, "maxPassedTestOutputSize", "--test-output-size-passed");
    value(output, "maxFailedTestOutputSize", "--test-output-size-failed");
    value(output, "testOutputTruncation", "--test-output-truncation");
    value(output, "maxTestNameWidth", "--max-width");
    const std::string verbosity = output.value("verbosity", "default");
    if (verbosity == "verbose") words_.emplace_back("-V");
    if (verbosity == "extra") words_.emplace_back("-VV");
    if (output.value("debug", false)) trouble_ = "a preset with debug";
  }

  void read_include(const Json& include) {
    value(include, "name", "-R");
    value(include, "label", "-L");
    flag(include, "useUnion", "-U");
    const auto index = include.find("index");
    if (index == include.end()) return;
    if (index->is_string()) return add("-I", *index);
    std::string numbers;
    for (const char* const name : {"start", "end", "stride"})
      numbers += (index->contains(name) ? index->at(name).dump() : "") + ",";
    numbers.pop_back();
    for (const Json& one : index->value("specificTests", Json::array()))
      numbers += "," + one.dump();
    add("-I", numbers);
  }

  void read_exclude(const Json& exclude) {
    value(exclude, "name", "-E");
    value(exclude, "label", "-LE");
    const Json fixtures = exclude.value("fixtures", Json::object());
    value(fixtures, "any", "-FA");
    value(fixtures, "setup", "-FS");
    value(fixtures, "cleanup", "-FC");
  }

  void read_execution(const Json& execution) {
    flag(execution, "stopOnFailure", "--stop-on-failure");
    flag(execution, "enableFailover", "-F");
    flag(execution, "scheduleRandom", "--schedule-random");
    value(execution, "jobs", "--parallel");
    value(execution, "resourceSpecFile", "--resource-spec-file");
    value(execution, "testLoad", "--test-load");
    value(execution, "timeout", "--timeout");
    if (const auto random = execution.find("scheduleRandomSeed"); random != execution.end())
      add("--schedule-random-seed", *random);
    if (execution.contains("interactiveDebugging"))
      add("--interactive-debug-mode", execution.at("interactiveDebugging").get<bool>() ? "1" : "0");
    if (execution.contains("repeat")) {
      const Json& repeat = execution.at("repeat");
      add("--repeat", repeat.at("mode").get<std::string>() + ":" + repeat.at("count").dump());
    }
    const std::string action = execution.value("noTestsAction", "default");
    if (action != "default") add("--no-tests", action);
    if (execution.contains("showOnly") || execution.contains("testPassthroughArguments"))
      trouble_ = "a preset that only shows tests, or adds to their commands";
  }

  void flag(const Json& object, const char* name, const char* word, bool when = true) {
    if (object.contains(name) && object.at(name).get<bool>() == when) words_.emplace_back(word);
  }

  void value(const Json& object, const char* name, const char* word) {
    if (object.contains(name)) add(word, object.at(name));
  }

  void add(const char* word, const Json& value) {
    const auto expanded =
        macros_.expand(value.is_string() ? value.get<std::string>() : value.dump());
    if (!expanded) {
      trouble_ = "a macro of a preset";
      return;
    }
    words_.emplace_back(word);
    words_.push_back(*expanded);
  }

  PresetMacros& macros_;
  std::vector<std::string> words_;
  std::string trouble_;
};

tl::expected<Preset, std::string> preset_of(const PresetRequest& request) {
  const Files files(request.source);
  if (!files.is_complete()) return tl::unexpected(std::string("a preset file's macros"));
  Json test = files.test(request.name);
  const Json configure = files.configure(test.at("configurePreset"));
  if (test.value("inheritConfigureEnvironment", true)) {
    Json inherited;
    inherited["environment"] = configure.value("environment", Json::object());
    inherit(test, inherited);
  }
  PresetMacros macros({{"sourceDir", request.source.string()},
                       {"sourceParentDir", request.source.parent_path().string()},
                       {"sourceDirName", request.source.filename().string()},
                       {"presetName", request.name},
                       {"generator", configure.value("generator", "")},
                       {"hostSystemName", "Linux"},
                       {"dollar", "$"},
                       {"pathListSep", ":"}},
                      environment_of(test), request.variable);
  Preset preset;
  for (const auto& [name, value] : macros.environment()) {
    if (!value) continue;
    const auto expanded = macros.expand("$env{" + name + "}");
    if (!expanded) return tl::unexpected("a macro in " + name + " of a preset");
    preset.environment.emplace_back(name, *expanded);
  }
  Words words(macros);
  words.read(test);
  if (!words.trouble().empty()) return tl::unexpected(words.trouble());
  preset.words = std::move(words).release();
  return preset;
}

}  // namespace

tl::expected<Preset, std::string> read_preset(const PresetRequest& request) {
  auto process = CapturedProcess::start({request.ctest.string(), "--preset", request.name, "-N"});
  if (!process) return tl::unexpected(process.error());
  const Captured captured = process->wait();
  constexpr std::string_view kBegin = "Test project ";
  const auto begin = captured.output.find(kBegin);
  if (captured.wait_status != 0) return tl::unexpected(std::string());
  if (begin == std::string::npos) return tl::unexpected(std::string("a preset that is quiet"));
  // The library throws for a value that is of another kind than it is asked for.
  try {
    auto preset = preset_of(request);
    if (preset) {
      const auto from = begin + kBegin.size();
      preset->directory = captured.output.substr(from, captured.output.find('\n', from) - from);
    }
    return preset;
  } catch (const std::exception& error) {
    return tl::unexpected("a preset file: " + std::string(error.what()));
  }
}

}  // namespace hearth::ctest
