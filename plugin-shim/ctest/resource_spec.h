// A resource specification file: which units of which resource a machine has, and how many slots
// each of them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "plugin-shim/ctest/test.h"
#include "scheduler/resources.h"

namespace hearth::ctest {

// None: there is no such file, or it makes no sense.
std::optional<scheduler::Resources> read_resource_spec(const std::filesystem::path& file);

// The one that the project names in this directory's CTestTestfile.cmake; empty: it names none.
std::string resource_spec_of_project(const std::filesystem::path& directory);

// What a test's groups want.
std::vector<scheduler::ResourceNeed> needs_of(const Test& test);

// What the test cannot have of these, in ctest's words; empty: it can have all.
std::string lack_of(const Test& test, const scheduler::Resources& resources,
                    const std::string& file);

}  // namespace hearth::ctest
