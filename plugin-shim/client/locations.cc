#include "plugin-shim/client/locations.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace hearth::client {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

std::filesystem::path executable_directory() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

bool is_executable(const std::filesystem::path& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

std::filesystem::path find_on_path(const std::string& name) {
  std::string_view rest = variable("PATH");
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string_view entry = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    const std::filesystem::path found =
        std::filesystem::path(entry.empty() ? std::string_view(".") : entry) / name;
    if (!is_executable(found)) continue;
    std::error_code error;
    return std::filesystem::absolute(found, error);
  }
  return {};
}

tl::expected<std::filesystem::path, Failure> find_daemon(const std::filesystem::path& beside) {
  if (!beside.empty() && is_executable(beside / "hearthd")) return beside / "hearthd";
  if (const std::string_view set = variable("HEARTH_DAEMON"); !set.empty()) {
    if (is_executable(set)) return std::filesystem::absolute(set);
    return tl::unexpected(Failure{FailureKind::trouble, "HEARTH_DAEMON is " + std::string(set) +
                                                            ", which is not an executable file"});
  }
  if (std::filesystem::path found = find_on_path("hearthd"); !found.empty()) return found;
  return tl::unexpected(
      Failure{FailureKind::trouble, "cannot find the daemon's executable, hearthd (looked in " +
                                        (beside.empty() ? "" : beside.string() + " and ") +
                                        "PATH): install hearth again, or set HEARTH_DAEMON to it"});
}

}  // namespace hearth::client
