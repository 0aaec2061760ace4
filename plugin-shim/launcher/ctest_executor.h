// Who executes the tests of `hearth ctest`.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin-shim/ctest/executor.h"

namespace hearth::launcher {

class ExecutorSource {
 public:
  // `arguments`: what the user typed after `ctest`.
  explicit ExecutorSource(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  // Greets the daemon if one runs, which takes some milliseconds; says nothing.
  void look();

  // Warm processes where they can be had; the daemon is started if none runs. If there is none,
  // that is one line on standard error, and every test is executed as ctest would.
  std::unique_ptr<ctest::Executor> make();

 private:
  const std::vector<std::string>& arguments_;
  std::optional<pid_t> daemon_;  // that was seen to run
};

}  // namespace hearth::launcher
