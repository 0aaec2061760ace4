// The machine, as ctest describes it in Test.xml.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plugin-shim/ctest/listing.h"

namespace hearth::ctest {

// Attributes and their values, in ctest's order.
std::vector<std::pair<std::string, std::string>> describe_site(Version version);

}  // namespace hearth::ctest
