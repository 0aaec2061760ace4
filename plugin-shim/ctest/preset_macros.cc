#include "plugin-shim/ctest/preset_macros.h"

namespace hearth::ctest {
namespace {

std::string text_of(const char* value) { return value == nullptr ? "" : value; }

bool is_name(std::string_view text) {
  for (const char character : text) {
    if (character < 'a' || character > 'z') return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> PresetMacros::expand(std::string_view text) {
  std::string expanded;
  while (true) {
    const auto dollar = text.find('$');
    expanded += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return expanded;
    text.remove_prefix(dollar + 1);
    const auto open = text.find('{');
    const auto close = text.find('}');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open ||
        !is_name(text.substr(0, open))) {
      expanded += '$';
      continue;
    }
    const auto value =
        value_of(text.substr(0, open), std::string(text.substr(open + 1, close - open - 1)));
    if (!value) return std::nullopt;
    expanded += *value;
    text.remove_prefix(close + 1);
  }
}

std::optional<std::string> PresetMacros::value_of(std::string_view kind, const std::string& name) {
  if (kind == "penv") return text_of(variable_(name.c_str()));
  if (kind == "env") {
    const auto own = environment_.find(name);
    if (own == environment_.end() || !own->second) return text_of(variable_(name.c_str()));
    if (!being_expanded_.insert(name).second) return std::nullopt;
    auto value = expand(*own->second);
    being_expanded_.erase(name);
    return value;
  }
  const auto plain = plain_.find(name);
  if (!kind.empty() || plain == plain_.end()) return std::nullopt;
  return plain->second;
}

}  // namespace hearth::ctest
