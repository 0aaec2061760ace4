// The environment of a test: that of this process, with ENVIRONMENT and ENVIRONMENT_MODIFICATION.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::ctest {

class Environment {
 public:
  explicit Environment(std::vector<std::string> entries) : entries_(std::move(entries)) {}

  // `entry` is NAME=value; without = it takes NAME away.
  void put(const std::string& entry);
  void take_away(std::string_view name);
  std::string value_of(std::string_view name) const;  // empty if there is none
  bool has(std::string_view name) const { return find(name) != entries_.end(); }

  // Each is NAME=OPERATION:value; in their order. What is wrong with them, in ctest's own words;
  // then nothing has been modified. `appends_to_unset`: what is appended to a variable that was
  // unset before is appended to what it was before that, as in ctest before 4.4.
  std::vector<std::string> modify(const std::vector<std::string>& modifications,
                                  bool appends_to_unset);

  std::vector<std::string> release() && { return std::move(entries_); }
  const std::vector<std::string>& entries() const { return entries_; }

 private:
  std::vector<std::string>::const_iterator find(std::string_view name) const;

  std::vector<std::string> entries_;
};

// That of this process.
std::vector<std::string> this_environment();

// What `after` has otherwise, line by line by name: NAME=value, and #NAME= for what it has not.
std::string differences(const Environment& before, const std::vector<std::string>& after);

}  // namespace hearth::ctest
