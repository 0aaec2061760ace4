// Properties that a ctest knows and leaves out of its list of tests, as 3.27 to 3.31 do.
#pragma once

#include <filesystem>
#include <string>

#include "plugin-shim/ctest/listing.h"

namespace hearth::ctest {

// One that stands in the CTestTestfile.cmake of a build directory, or in a file that is read from
// there; empty: none.
std::string unlisted_property(const std::filesystem::path& directory, Version version);

}  // namespace hearth::ctest
