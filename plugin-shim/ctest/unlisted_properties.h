// What a ctest leaves out of its list of tests: properties, as 3.27 to 3.31 do, and tests that this
// configuration does not have.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>

#include "plugin-shim/ctest/listing.h"

namespace hearth::ctest {

// The first of these words that stands in the CTestTestfile.cmake of a build directory, or in a
// file that is read from there; empty: none does.
std::string word_in_scripts(const std::filesystem::path& directory,
                            std::initializer_list<const char*> words);

// A property that stands there, and is not listed.
std::string unlisted_property(const std::filesystem::path& directory, Version version);

}  // namespace hearth::ctest
