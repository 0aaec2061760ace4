// Who wants to know when a process asks for what makes it differ from another.
#pragma once

namespace hearth::recorder {

// Called in the thread that asks, before the call, while recording is on; what it does itself is
// not told. `what`: for people.
using IdentityListener = void (*)(const char* what);

void listen_to_identities(IdentityListener tell);

}  // namespace hearth::recorder
