// What a build directory says about testing it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "plugin-shim/ctest/test.h"

namespace hearth::ctest {

class Project {
 public:
  // Reads DartConfiguration.tcl, or CTestConfiguration.ini, if there is one. `is_chosen`: the
  // directory was named by the user.
  Project(std::filesystem::path directory, bool is_chosen);

  // As ctest shows it: a link in the path stays one.
  const std::filesystem::path& directory() const { return directory_; }
  // Where ctest writes to: what the project calls its build directory, if it does.
  const std::filesystem::path& binary_directory() const { return binary_directory_; }
  std::filesystem::path temporary() const { return binary_directory_ / "Testing" / "Temporary"; }
  const std::filesystem::path& configuration_file() const { return file_; }
  bool is_configured() const { return is_configured_; }

  std::string value(const std::string& name) const;
  Seconds timeout() const;  // zero: none

  // There are tests registered here.
  bool has_tests() const;
  std::filesystem::path customization_file() const { return directory_ / "CTestCustom.cmake"; }
  bool is_customized() const;  // there is that file
  // Without it, one of the old kind, which may be in any directory.
  bool has_old_customization() const;

 private:
  std::filesystem::path directory_;
  std::filesystem::path binary_directory_;
  std::filesystem::path file_;
  bool is_configured_ = false;
  std::map<std::string, std::string> values_;
};

// The directory that `ctest --test-dir` (empty: none given) works in. `shell_directory`: $PWD,
// which counts if it names the current directory.
std::filesystem::path build_directory(const std::string& given, const char* shell_directory);

}  // namespace hearth::ctest
