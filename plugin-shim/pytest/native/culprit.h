// Whose code does something just now: the innermost frame outside the standard library.
#pragma once

#include <string>

namespace hearth::python {

struct Culprit {
  enum class Whose {
    nobody,     // the interpreter itself, the standard library while it is imported, or hearth
    installed,  // a package's
    project,
  };
  Whose whose = Whose::nobody;
  std::string file;
  long line = 0;
  std::string through;  // the file of the standard library's function that it has called, if any
};

// With the GIL held; runs no Python code.
[[nodiscard]] Culprit find_culprit();

// The project's code that an installed package does it for: it has called the package, with neither
// an import nor pytest in between. Nobody: there is none.
[[nodiscard]] Culprit find_customer();

}  // namespace hearth::python
