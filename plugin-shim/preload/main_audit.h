// Whether forks of a process that has come to its main would differ from processes that have come
// there themselves.
#pragma once

#include <vector>

#include "protocol/messages.gen.h"

namespace hearth::zygote {

// Before any code of the program has run: from here on it is noted who asks for the process id,
// random bytes, the clock, and what becomes of the standard streams.
void watch_static_initialisers();

// For wrappers: this is being done. `kind` and `what` as in a finding, `caller`: an address in the
// code that does it.
void done_before_main(const char* kind, const char* what, const void* caller);

// Whether this process has started one, also if it has been waited for.
bool has_had_children();

// What was done before main, or is there now, that no two processes may have in common. To be asked
// once, at main, with the recorder off. `control`: the daemon's descriptor.
std::vector<protocol::Finding> audit(int control);

}  // namespace hearth::zygote
