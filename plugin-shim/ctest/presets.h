// A test preset of a CMakePresets.json, as what one would have typed instead of `--preset`.
//
// The real ctest has found it, and judged what is in it, before it is read here: what is wrong or
// disabled is not looked for.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace hearth::ctest {

struct Preset {
  std::string directory;           // of the build
  std::vector<std::string> words;  // options
  std::vector<std::pair<std::string, std::string>> environment;
};

struct PresetRequest {
  std::filesystem::path ctest;
  std::filesystem::path source;  // the directory with the files
  std::string name;
  const char* (*variable)(const char* name);
};

// The error: what is not taken over; empty, where the real ctest says it itself.
tl::expected<Preset, std::string> read_preset(const PresetRequest& request);

}  // namespace hearth::ctest
