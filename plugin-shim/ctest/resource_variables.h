// How a test is told which resources are its own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scheduler/resources.h"

namespace hearth::ctest {

// CTEST_RESOURCE_GROUP_COUNT=1, CTEST_RESOURCE_GROUP_0=gpus,
// CTEST_RESOURCE_GROUP_0_GPUS=id:0,slots:2;id:1,slots:2, …
std::vector<std::string> variables_of(const std::vector<scheduler::Allocation>& allocations,
                                      std::size_t groups);

}  // namespace hearth::ctest
