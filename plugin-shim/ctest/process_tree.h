// The end of a process and of all that it has started, as far as the kernel still knows whose they
// are.
#pragma once

#include <sys/types.h>

namespace hearth::ctest {

// Stopped from the root down first, so that none starts another one meanwhile, then killed.
void kill_tree(pid_t root);

}  // namespace hearth::ctest
