// The commands of one step, in the making.
#pragma once

#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

using Commands = std::vector<Command>;

}  // namespace hearth::scheduler
