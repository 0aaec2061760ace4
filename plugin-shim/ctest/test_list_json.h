// What `ctest --show-only=json-v1` says of tests.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "plugin-shim/ctest/test.h"

namespace hearth::ctest {

// In the order of the text, without numbers: it has none. An unknown property means nothing to a
// run, and a value of an unexpected kind is read as what it most likely means: ctest's versions
// differ in it.
tl::expected<std::vector<Test>, std::string> tests_of_json(std::string_view text);

}  // namespace hearth::ctest
