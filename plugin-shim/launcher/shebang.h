// What the first lines of a script say about who runs it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

namespace hearth::launcher {

// A Python script: this interpreter would run it. `name` is a path, or a name to look for on PATH
// (`env python3`).
struct PythonScript {
  std::string name;
  std::string options;  // for the interpreter, e.g. "-sP"; usually empty
  bool operator==(const PythonScript&) const = default;
};
// Run by something else: a shell script of a version manager, a binary, anything.
struct OtherProgram {
  bool operator==(const OtherProgram&) const = default;
};
using Runner = std::variant<PythonScript, OtherProgram>;

// `head` is the beginning of the file (1 KiB is plenty), `script` its path. Understands
// `#!/path/python`,
// `#!/usr/bin/env python3`, and the form of pip and uv for long paths, in which /bin/sh executes
// the interpreter.
Runner runner_of(std::string_view head, const std::filesystem::path& script);

}  // namespace hearth::launcher
