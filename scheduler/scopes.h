// What belongs together: the scope of each item, under the policies that keep scopes whole.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

// By item: the number of its scope, in the order in which scopes first appear. A scope is, under
//   load_file   the file
//   load_scope  the class, or the file of a function
//   load_group  the group; an item without one is a scope of its own
[[nodiscard]] std::vector<std::uint32_t> scopes_of(const RunSubmitted& run);

// Likewise the number of its file, under any policy.
[[nodiscard]] std::vector<std::uint32_t> files_of(const RunSubmitted& run);

}  // namespace hearth::scheduler
