#include "plugin-shim/ctest/environment.h"

#include <unistd.h>

#include <algorithm>
#include <map>

namespace hearth::ctest {
namespace {

bool is_of(const std::string& entry, std::string_view name) {
  return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
}

// A list grows at one end, with a separator where there is something already.
std::string append(const std::string& old, const std::string& value, char separator) {
  return old.empty() ? value : old + separator + value;
}
std::string prepend(const std::string& old, const std::string& value, char separator) {
  return old.empty() ? value : value + separator + old;
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

tl::expected<void, std::string> Environment::modify(const std::vector<std::string>& modifications) {
  const Environment before = *this;
  for (const std::string& modification : modifications) {
    const auto name_end = modification.find('=');
    const auto operation_end =
        name_end == std::string::npos ? name_end : modification.find(':', name_end + 1);
    if (operation_end == std::string::npos) {
      return tl::unexpected(std::string(name_end == std::string::npos
                                            ? "Error: Missing `=` after the variable name in: "
                                            : "Error: Missing `:` after the operation in: ") +
                            modification);
    }
    const std::string name = modification.substr(0, name_end);
    const std::string operation = modification.substr(name_end + 1, operation_end - name_end - 1);
    const std::string value = modification.substr(operation_end + 1);
    const std::string old = value_of(name);
    const auto become = [&](const std::string& text) {
      put(std::string(name).append("=").append(text));
    };
    if (operation == "reset") {
      if (before.has(name)) {
        become(before.value_of(name));
      } else {
        take_away(name);
      }
    } else if (operation == "set") {
      become(value);
    } else if (operation == "unset") {
      take_away(name);
    } else if (operation == "string_append") {
      become(old + value);
    } else if (operation == "string_prepend") {
      become(value + old);
    } else if (operation == "path_list_append") {
      become(append(old, value, ':'));
    } else if (operation == "path_list_prepend") {
      become(prepend(old, value, ':'));
    } else if (operation == "cmake_list_append") {
      become(append(old, value, ';'));
    } else if (operation == "cmake_list_prepend") {
      become(prepend(old, value, ';'));
    } else {
      return tl::unexpected("Error: Unrecognized environment manipulation argument: " + operation);
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
