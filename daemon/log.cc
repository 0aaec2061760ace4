#include "daemon/log.h"

#include <pwd.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>

namespace hearth::daemon {
namespace {

constexpr std::size_t max_file_bytes = 5 * 1024 * 1024;
constexpr std::size_t kept_files = 3;

spdlog::sink_ptr& sink() {
  static spdlog::sink_ptr instance = std::make_shared<spdlog::sinks::null_sink_mt>();
  return instance;
}

std::map<std::string, std::shared_ptr<spdlog::logger>>& loggers() {
  static std::map<std::string, std::shared_ptr<spdlog::logger>> instance;
  return instance;
}

}  // namespace

std::filesystem::path state_directory() {
  if (const char* set = std::getenv("HEARTH_STATE_DIR"); set && *set) return set;
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg && *xdg)
    return std::filesystem::path(xdg) / "hearth";
  const char* home = std::getenv("HOME");
  if (!home || !*home) {
    const passwd* entry = getpwuid(getuid());
    home = entry ? entry->pw_dir : "/";
  }
  return std::filesystem::path(home) / ".local" / "state" / "hearth";
}

std::filesystem::path log_file(const std::filesystem::path& directory) {
  return directory / "hearthd.log";
}

std::string open_log(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return "cannot create the state directory " + directory.string() + ": " + error.message();
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  try {
    sink() = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(log_file(directory).string(),
                                                                    max_file_bytes, kept_files);
  } catch (const spdlog::spdlog_ex& failure) {
    return failure.what();
  }
  sink()->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %n %v");
  loggers().clear();
  return {};
}

spdlog::logger& log(const char* component) {
  auto& logger = loggers()[component];
  if (!logger) {
    logger = std::make_shared<spdlog::logger>(component, sink());
    logger->flush_on(spdlog::level::info);
  }
  return *logger;
}

}  // namespace hearth::daemon
