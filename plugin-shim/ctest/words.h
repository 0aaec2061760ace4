// Vectors of words as exec(3) wants them.
#pragma once

#include <string>
#include <vector>

namespace hearth::ctest {

// Valid as long as `words` is, which nobody writes to; ends with a null pointer.
inline std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  // exec's declaration is older than const.
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace hearth::ctest
