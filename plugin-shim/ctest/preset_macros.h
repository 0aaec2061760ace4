// Macros in the strings of a CMakePresets.json: ${presetName}, $env{NAME} and the like.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace hearth::ctest {

class PresetMacros {
 public:
  using Variable = const char* (*)(const char* name);
  // Names and values of a preset's own environment; no value: it is as if it did not stand there.
  using Environment = std::map<std::string, std::optional<std::string>>;

  // `plain`: those that are written ${NAME}. `environment` is not expanded yet.
  PresetMacros(std::map<std::string, std::string> plain, Environment environment, Variable variable)
      : plain_(std::move(plain)), environment_(std::move(environment)), variable_(variable) {}

  // None: there is a macro in it that is not known here, or that needs itself.
  std::optional<std::string> expand(std::string_view text);
  const Environment& environment() const { return environment_; }

 private:
  std::optional<std::string> value_of(std::string_view kind, const std::string& name);

  std::map<std::string, std::string> plain_;
  Environment environment_;
  Variable variable_;
  std::set<std::string> being_expanded_;
};

}  // namespace hearth::ctest
