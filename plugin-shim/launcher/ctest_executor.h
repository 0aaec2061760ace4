// Who executes the tests of `hearth ctest`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugin-shim/ctest/executor.h"

namespace hearth::launcher {

// Warm processes where they can be had; the daemon is started if none runs. If there is none, that
// is one line on standard error, and every test is executed as ctest would.
std::unique_ptr<ctest::Executor> make_executor(const std::vector<std::string>& arguments);

}  // namespace hearth::launcher
