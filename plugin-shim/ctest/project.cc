#include "plugin-shim/ctest/project.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

namespace hearth::ctest {
namespace {

namespace fs = std::filesystem;

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

Project::Project(fs::path directory, bool is_chosen) : directory_(std::move(directory)) {
  std::error_code error;
  file_ = directory_ / "CTestConfiguration.ini";
  if (!fs::exists(file_, error)) file_ = directory_ / "DartConfiguration.tcl";
  std::ifstream stream(file_);
  is_configured_ = stream.good();
  for (std::string line; std::getline(stream, line);) {
    line = trimmed(line);
    for (std::string more; line.ends_with('\\') && std::getline(stream, more);) {
      line.pop_back();
      line += trimmed(more);
    }
    const auto colon = line.find(':');
    if (line.starts_with('#') || colon == std::string::npos) continue;
    values_[line.substr(0, colon)] = trimmed(line.substr(colon + 1));
  }
  binary_directory_ = directory_;
  if (const std::string named = value("BuildDirectory"); !named.empty()) binary_directory_ = named;
  if (!is_chosen) directory_ = binary_directory_;
}

std::string Project::value(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second;
}

Seconds Project::timeout() const { return Seconds(std::atoi(value("TimeOut").c_str())); }

bool Project::has_tests() const {
  const auto can_be_read = [&](const char* name) {
    return access((directory_ / name).c_str(), R_OK) == 0;
  };
  return can_be_read("CTestTestfile.cmake") || can_be_read("DartTestfile.txt");
}

bool Project::is_customized() const {
  std::error_code error;
  return fs::exists(customization_file(), error);
}

bool Project::has_old_customization() const {
  std::error_code error;
  return !is_customized() && fs::exists(directory_ / "CTestCustom.ctest", error);
}

fs::path build_directory(const std::string& given, const char* shell_directory) {
  std::error_code error;
  fs::path here = fs::current_path(error);
  if (shell_directory != nullptr && fs::path(shell_directory).is_absolute() &&
      fs::equivalent(shell_directory, here, error))
    here = shell_directory;
  if (given.empty()) return here;
  fs::path directory = (here / given).lexically_normal();
  if (!directory.has_filename()) directory = directory.parent_path();
  return directory;
}

}  // namespace hearth::ctest
