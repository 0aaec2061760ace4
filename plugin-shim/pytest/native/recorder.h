// What the recorder knows that other parts of the module ask for.
#pragma once

#include <string>

#include "plugin-shim/preload/identity.h"

namespace hearth::python {

// Whether this process, or one that it was forked from, opened the file in order to write it anew
// (mode "w").
[[nodiscard]] bool began_anew(const std::string& path);

// Whether this process is on its way to a stage.
[[nodiscard]] bool is_recording();

// See identity.h. Nothing is told where the recorder is not loaded.
void listen_to_identities(recorder::IdentityListener tell);

}  // namespace hearth::python
