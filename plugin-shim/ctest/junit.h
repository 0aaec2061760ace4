// --output-junit, with ctest's attributes. A test that passed only when it was repeated has a
// property `flaky` besides.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/project.h"
#include "plugin-shim/ctest/result.h"

namespace hearth::ctest {

// `results` ascending by number.
std::string junit(const std::vector<const Result*>& results, const Project& project,
                  Version version, std::chrono::system_clock::time_point begun, Seconds time);

// BuildName as ctest writes it into files.
std::string safe_build_name(const std::string& name);
// As a C++ stream writes it.
std::string number_text(double number);

}  // namespace hearth::ctest
