#include "plugin-shim/ctest/test_start.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "plugin-shim/ctest/environment.h"

namespace hearth::ctest {
namespace {

constexpr Version kQuotesDirectory{4, 0};
constexpr Version kForgetsUnset{4, 4};

std::string in_quotes(const std::vector<std::string>& command, std::size_t from) {
  std::string text;
  for (std::size_t index = from; index < command.size(); ++index)
    text += (index > 0 ? " \"" : "\"") + command[index] + "\"";
  return text;
}

void tell_command(const Test& test, Console& console, Report& report) {
  if (!console.is_verbose()) return;
  console.print_verbose("\n" + std::to_string(test.number) +
                        ": Test command: " + shown_command(test) + "\n");
  if (!test.directory.empty()) report.tell(test, "Working Directory: " + test.directory);
  if (!test.environment.empty()) report.tell(test, "Environment variables: ");
  for (const std::string& entry : test.environment) report.tell(test, " " + entry);
  if (!test.environment_modification.empty())
    report.tell(test, "Environment variable modifications: ");
  for (const std::string& entry : test.environment_modification) report.tell(test, " " + entry);
}

// Relative ones are looked for where the test will run.
std::string first_missing(const Test& test) {
  for (const std::string& file : test.required_files) {
    const std::filesystem::path path = std::filesystem::path(test.directory) / file;
    if (access(path.c_str(), F_OK) != 0) return file;
  }
  return {};
}

}  // namespace

std::string directory_trouble(const std::string& directory, Version version) {
  struct stat status {};
  if (stat(directory.c_str(), &status) == 0) {
    if (!S_ISDIR(status.st_mode)) {
      errno = ENOTDIR;
    } else if (access(directory.c_str(), X_OK) == 0) {
      return {};
    }
  }
  const int trouble = errno;
  const bool quotes = version >= kQuotesDirectory;
  return "Failed to change working directory to " +
         (quotes ? "\"" + directory + "\": " : directory + " : ") + std::strerror(trouble);
}

Command command_of(const Test& test) {
  Command command;
  command.argv = test.command;
  // A relative one is left as it is in the list of tests, and meant from the build directory.
  command.directory = test.directory.starts_with('/')
                          ? test.directory
                          : std::filesystem::absolute(test.directory).string();
  return command;
}

std::string shown_command(const Test& test) {
  if (test.command.empty()) return test.missing_arguments;
  std::string text;
  for (const char character : test.command.front()) {
    if (character == ' ') text += '\\';
    text += character;
  }
  return text + in_quotes(test.command, 1);
}

std::string logged_command(const Test& test) {
  return test.command.empty() ? "\"\"" + test.missing_arguments : in_quotes(test.command, 0);
}

tl::expected<Command, Verdict> prepare_start(const StartRequest& request, Report& report,
                                             Console& console, TestLog& log) {
  const Test& test = request.test;
  const auto prevent = [&](const std::string& message, std::string completion, bool is_error,
                           Status status = Status::not_run) {
    log.add(message + "\n");
    if (is_error) {
      console.complain(message + "\n");
    } else {
      console.print(message + "\n");
    }
    Verdict verdict = not_started(status, std::move(completion));
    verdict.said = message;
    return tl::unexpected(std::move(verdict));
  };
  report.start(test, request.done);
  if (!request.lacking_resources.empty())
    return prevent(request.lacking_resources, "Insufficient resources", true);
  if (const std::string trouble = directory_trouble(test.directory, request.version);
      !trouble.empty())
    return prevent(trouble, "Failed to change working directory", true);
  if (test.disabled) {
    Verdict verdict = not_started(Status::not_run, "Disabled");
    verdict.said = "Disabled";
    return tl::unexpected(std::move(verdict));
  }
  if (!request.failed_requirements.empty()) {
    std::string message = "Failed test dependencies:";
    for (const std::string& name : request.failed_requirements) message += " " + name;
    return prevent(message, "Fixture dependency failed", false);
  }
  if (test.command.empty()) console.print(test.missing_explanation);
  tell_command(test, console, report);
  if (const std::string missing = first_missing(test); !missing.empty())
    return prevent("Unable to find required file: " + missing, "Required Files Missing", true);
  if (test.command.empty()) {
    return prevent("Unable to find executable: " + test.missing_executable,
                   "Unable to find executable", true);
  }
  return command_of(test);
}

tl::expected<void, Verdict> set_environment(const StartRequest& request, Console& console,
                                            Command& command) {
  const Test& test = request.test;
  if (test.environment.empty() && test.environment_modification.empty() &&
      request.resource_variables.empty())
    return {};
  Environment environment(this_environment());
  for (const std::string& entry : test.environment) environment.put(entry);
  const auto complaints =
      environment.modify(test.environment_modification, !(request.version >= kForgetsUnset));
  for (const std::string& complaint : complaints)
    console.complain_always("CMake Error: " + complaint + "\n\n");
  if (!complaints.empty())
    return tl::unexpected(not_started(Status::bad_command, "Failed to start"));
  if (request.resource_variables.empty()) environment.take_away("CTEST_RESOURCE_GROUP_COUNT");
  for (const std::string& entry : request.resource_variables) environment.put(entry);
  command.environment = std::move(environment).release();
  return {};
}

}  // namespace hearth::ctest
