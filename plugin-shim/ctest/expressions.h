// Regular expressions by their text, each compiled once: most tests of a project have the same.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "plugin-shim/ctest/regular_expression.h"

namespace hearth::ctest {

class Expressions {
 public:
  // The first of the patterns that matches; null: none does.
  const std::string* first_match(const std::vector<std::string>& patterns,
                                 const std::string& text) {
    for (const std::string& pattern : patterns) {
      if (known_.try_emplace(pattern, pattern).first->second.matches(text)) return &pattern;
    }
    return nullptr;
  }

 private:
  std::unordered_map<std::string, RegularExpression> known_;
};

}  // namespace hearth::ctest
