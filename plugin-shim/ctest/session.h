// `hearth ctest`, from its options to its exit code.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plugin-shim/ctest/executor.h"
#include "plugin-shim/ctest/options.h"

namespace hearth::ctest {

inline constexpr int kTestErrors = 8;  // ctest's exit code for a test that failed

struct Outcome {
  // Nothing has been done yet, and the real ctest shall do it.
  bool is_plain = false;
  std::string plain_because;  // in a few words; empty: not worth telling
  int exit_code = 0;
  int signal = 0;  // what this process should die of
};

struct SessionRequest {
  const Options& options;
  std::filesystem::path ctest;  // the real one
  const char* (*variable)(const char* name);
  // Called while the real one lists the tests: what takes time and changes nothing.
  std::function<void()> meanwhile;
  // Made when tests are about to start, which may be never.
  std::function<std::unique_ptr<Executor>()> executor;
};

Outcome carry_out(const SessionRequest& request);

}  // namespace hearth::ctest
