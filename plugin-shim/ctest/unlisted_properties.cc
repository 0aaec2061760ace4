#include "plugin-shim/ctest/unlisted_properties.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "plugin-shim/ctest/captured_process.h"

namespace hearth::ctest {
namespace {

namespace fs = std::filesystem;

constexpr Version kKnowsThem{3, 27};
constexpr Version kListsThem{4, 0};

// Directories of `subdirs(…)` as their lists, and whatever is called *.cmake.
std::vector<fs::path> files_read_by(const fs::path& file, std::string_view text) {
  constexpr std::string_view kSubdirectory = "subdirs(";
  std::vector<fs::path> files;
  std::size_t line_begin = 0;
  while (line_begin < text.size()) {
    const auto line_end = std::min(text.find('\n', line_begin), text.size());
    const std::string_view line = text.substr(line_begin, line_end - line_begin);
    line_begin = line_end + 1;
    const bool names_directory = line.starts_with(kSubdirectory);
    if (!names_directory && line.find(".cmake\"") == std::string_view::npos) continue;
    for (auto open = line.find('"'); open != std::string_view::npos; open = line.find('"', open)) {
      const auto close = line.find('"', open + 1);
      if (close == std::string_view::npos) break;
      const std::string_view word = line.substr(open + 1, close - open - 1);
      open = close + 1;
      const fs::path path = file.parent_path() / word;
      if (names_directory) {
        files.push_back(path / "CTestTestfile.cmake");
      } else if (word.ends_with(".cmake")) {
        files.push_back(path);
      }
    }
  }
  return files;
}

}  // namespace

std::string word_in_scripts(const fs::path& directory, std::initializer_list<const char*> words) {
  std::vector<fs::path> open{directory / "CTestTestfile.cmake"};
  std::set<fs::path> seen;
  while (!open.empty()) {
    const fs::path file = open.back().lexically_normal();
    open.pop_back();
    if (!seen.insert(file).second) continue;
    const std::string text = content_of(file);
    for (const char* const word : words) {
      if (text.find(word) != std::string::npos) return word;
    }
    for (const fs::path& next : files_read_by(file, text)) open.push_back(next);
  }
  return {};
}

std::string unlisted_property(const fs::path& directory, Version version) {
  if (version < kKnowsThem || version >= kListsThem) return {};
  return word_in_scripts(directory, {"TIMEOUT_SIGNAL_NAME", "GENERATED_RESOURCE_SPEC_FILE"});
}

}  // namespace hearth::ctest
