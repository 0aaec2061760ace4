// Signals for a process and all that descend from it.
#pragma once

#include <sys/types.h>

namespace hearth::protocol {

// Of a process, by /proc; 0 when it is gone.
pid_t parent_of(pid_t pid);

// The tree is stopped first, from the top, so that no process gets away between two looks. One that
// ends it goes to all of them then; any other signal, too, and the tree goes on.
void signal_tree(pid_t root, int signal);

}  // namespace hearth::protocol
