// What a project's CTestCustom.cmake says of its tests.
//
// It is a script in CMake's language, so the real ctest reads it (`ctest -S`) and says what its
// variables are. Tests that it ignores are not in ctest's lists.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "plugin-shim/ctest/options.h"

namespace hearth::ctest {

struct Customization {
  bool has_commands = false;  // before and after all tests, and whenever ctest lists them
  std::optional<int> output_size_passed;
  std::optional<int> output_size_failed;
  std::optional<Truncation> truncation;
};

// The error: why that is for the real ctest; empty, where it says it itself.
tl::expected<Customization, std::string> read_customization(const std::filesystem::path& ctest,
                                                            const std::filesystem::path& file);

// What the script that read it has said on its standard error.
tl::expected<Customization, std::string> customization_of(std::string_view text);

}  // namespace hearth::ctest
