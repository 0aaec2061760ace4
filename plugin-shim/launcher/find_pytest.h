// Which python and which pytest script `hearth pytest` runs: those that `pytest` would be, typed at
// the same place.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <tl/expected.hpp>

namespace hearth::launcher {

struct Pytest {
  std::filesystem::path
      python;  // absolute; a virtual environment's symlink is kept, for it is what makes it one
  std::filesystem::path script;  // absolute; empty: `python -m pytest`
  bool operator==(const Pytest&) const = default;
};

// Why there is none that hearth can run.
struct NoPytest {
  std::string message;            // one line for the user
  std::filesystem::path program;  // what `pytest` starts all the same; empty: nothing
};

// What is looked at, so that tests can say it.
struct Surroundings {
  std::string hearth_python;  // $HEARTH_PYTHON
  std::string virtual_env;    // $VIRTUAL_ENV
  std::function<std::filesystem::path(const std::string& name)> find_on_path;
  // The output, without the line end, of a command; empty: it failed. For `pyenv which pytest`.
  std::function<std::string(const std::string& program, const std::string& verb,
                            const std::string& name)>
      ask;
};
Surroundings current_surroundings();

// In this order: $HEARTH_PYTHON (with the pytest script beside it, if there is one), the active
// virtual environment's pytest, `pytest` on PATH. Version managers' shims are asked for what stands
// behind them.
tl::expected<Pytest, NoPytest> find_pytest(const Surroundings& surroundings);

}  // namespace hearth::launcher
