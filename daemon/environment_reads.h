// The environment as something that a stage reads: which variables must be equal from the start,
// and whether a request has the others as the stage found them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/stage_key.h"

namespace hearth::daemon {

// Those that nobody sees being read: by Python and the dynamic linker while they start, by libc
// itself. Sorted.
std::vector<std::string> always_compared(const std::vector<std::string>& environment);

// The first variable that a stage read and that is another one (or absent, or new) in what the
// request gives a process of that stage. A read without a name stands for all variables but those
// that its value names, separated by NUL. Of a name that is given twice, the first counts.
std::optional<protocol::Cause> first_difference(const std::vector<protocol::EnvironmentRead>& reads,
                                                protocol::Stage stage,
                                                const ProcessRequest& request);

}  // namespace hearth::daemon
