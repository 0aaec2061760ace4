// Who wants to know when a process asks for what makes it differ from another, or starts a thread.
// (The clock is told in native programs only: libhearth_zygote.so.)
#pragma once

namespace hearth::recorder {

enum class Identity { process_id, random_bytes, uuid, thread, clock };

// Called in the thread that asks, before the call, while recording is on; what it does itself is
// not told. `caller`: an address in the code that asks.
using IdentityListener = void (*)(Identity identity, const void* caller);

void listen_to_identities(IdentityListener tell);

// For wrappers: leaves errno as it was.
void identity_taken(Identity identity, const void* caller);

}  // namespace hearth::recorder
