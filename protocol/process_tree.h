// Signals for a process and all that descend from it.
#pragma once

#include <sys/types.h>

namespace hearth::protocol {

// The tree is stopped first, from the top, so that no process gets away between two looks. One that
// ends it goes to all of them then; any other signal, too, and the tree goes on.
void signal_tree(pid_t root, int signal);

}  // namespace hearth::protocol
