// What the recorder knows that other parts of the module ask for.
#pragma once

#include <string>

namespace hearth::python {

// Whether this process, or one that it was forked from, opened the file in order to write it anew
// (mode "w").
[[nodiscard]] bool began_anew(const std::string& path);

}  // namespace hearth::python
