#include "plugin-shim/ctest/environment.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <tl/expected.hpp>
#include <unordered_set>
#include <utility>

namespace hearth::ctest {
namespace {

bool is_of(const std::string& entry, std::string_view name) {
  return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
}

struct Modification {
  std::string name;
  std::string operation;
  std::string value;
};

tl::expected<Modification, std::string> parse(const std::string& text) {
  static const std::unordered_set<std::string> operations{"reset",
                                                          "set",
                                                          "unset",
                                                          "string_append",
                                                          "string_prepend",
                                                          "path_list_append",
                                                          "path_list_prepend",
                                                          "cmake_list_append",
                                                          "cmake_list_prepend"};
  const auto name_end = text.find('=');
  if (name_end == std::string::npos)
    return tl::unexpected("Error: Missing `=` after the variable name in: " + text);
  const auto operation_end = text.find(':', name_end + 1);
  if (operation_end == std::string::npos)
    return tl::unexpected("Error: Missing `:` after the operation in: " + text);
  Modification parsed{text.substr(0, name_end),
                      text.substr(name_end + 1, operation_end - name_end - 1),
                      text.substr(operation_end + 1)};
  if (!operations.contains(parsed.operation)) {
    return tl::unexpected("Error: Unrecognized environment manipulation argument: " +
                          parsed.operation);
  }
  return parsed;
}

// A list grows at one end, with a separator where there is something already.
std::string append(const std::string& old, const std::string& value, char separator) {
  return old.empty() ? value : old + separator + value;
}
std::string prepend(const std::string& old, const std::string& value, char separator) {
  return old.empty() ? value : value + separator + old;
}

// Of the operations that make a value.
std::string modified(const std::string& old, const std::string& operation,
                     const std::string& value) {
  if (operation == "string_append") return old + value;
  if (operation == "string_prepend") return value + old;
  if (operation == "path_list_append") return append(old, value, ':');
  if (operation == "path_list_prepend") return prepend(old, value, ':');
  if (operation == "cmake_list_append") return append(old, value, ';');
  if (operation == "cmake_list_prepend") return prepend(old, value, ';');
  return value;  // set
}

}  // namespace

std::vector<std::string>::const_iterator Environment::find(std::string_view name) const {
  return std::find_if(entries_.begin(), entries_.end(),
                      [name](const std::string& entry) { return is_of(entry, name); });
}

void Environment::put(const std::string& entry) {
  const auto end = entry.find('=');
  if (end == std::string::npos) return take_away(entry);
  const auto found = find(std::string_view(entry).substr(0, end));
  if (found == entries_.end()) {
    entries_.push_back(entry);
  } else {
    entries_[static_cast<std::size_t>(found - entries_.begin())] = entry;
  }
}

void Environment::take_away(std::string_view name) {
  std::erase_if(entries_, [name](const std::string& entry) { return is_of(entry, name); });
}

std::string Environment::value_of(std::string_view name) const {
  const auto found = find(name);
  return found == entries_.end() ? std::string() : found->substr(name.size() + 1);
}

std::vector<std::string> Environment::modify(const std::vector<std::string>& modifications,
                                             bool appends_to_unset) {
  std::vector<std::string> complaints;
  std::vector<Modification> parsed;
  for (const std::string& text : modifications) {
    if (auto one = parse(text)) {
      parsed.push_back(std::move(*one));
    } else {
      complaints.push_back(std::move(one.error()));
    }
  }
  if (!complaints.empty()) return complaints;
  const Environment before = *this;
  for (const auto& [name, operation, value] : parsed) {
    if (operation == "unset" || (operation == "reset" && !before.has(name))) {
      take_away(name);
    } else if (operation == "reset") {
      put(name + "=" + before.value_of(name));
    } else {
      const bool was_unset = appends_to_unset && !has(name);
      const std::string old = was_unset ? before.value_of(name) : value_of(name);
      put(name + "=" + modified(old, operation, value));
    }
  }
  return {};
}

std::vector<std::string> this_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

std::string differences(const Environment& before, const std::vector<std::string>& after) {
  std::map<std::string, std::string> lines;
  const Environment now(after);
  for (const std::string& entry : after) {
    const std::string name = entry.substr(0, entry.find('='));
    if (!before.has(name) || before.value_of(name) != now.value_of(name)) lines[name] = entry;
  }
  for (const std::string& entry : before.entries()) {
    const std::string name = entry.substr(0, entry.find('='));
    if (!now.has(name)) lines[name] = "#" + name + "=";
  }
  std::string text;
  for (const auto& [name, line] : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace hearth::ctest
