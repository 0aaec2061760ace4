#include "plugin-shim/ctest/customization.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "plugin-shim/ctest/captured_process.h"
#include "protocol/fd.h"
#include "protocol/write_all.h"

namespace hearth::ctest {
namespace {

constexpr std::string_view kMark = "hearth customization: ";

std::string script_for(const std::filesystem::path& file) {
  return "set(CTEST_RUN_CURRENT_SCRIPT OFF)\n"
         "include([==[" +
         file.string() +
         "]==])\n"
         "foreach(name PRE_TEST POST_TEST MAXIMUM_PASSED_TEST_OUTPUT_SIZE\n"
         "    MAXIMUM_FAILED_TEST_OUTPUT_SIZE TEST_OUTPUT_TRUNCATION)\n"
         "  if(DEFINED CTEST_CUSTOM_${name})\n"
         "    message(\"" +
         std::string(kMark) +
         "${name}=${CTEST_CUSTOM_${name}}\")\n"
         "  endif()\n"
         "endforeach()\n";
}

}  // namespace

tl::expected<Customization, std::string> read_customization(const std::filesystem::path& ctest,
                                                            const std::filesystem::path& file) {
  const protocol::Fd script(memfd_create("script", MFD_CLOEXEC));
  if (!script || !protocol::write_all(script.get(), script_for(file)))
    return tl::unexpected(std::string(std::strerror(errno)));
  auto process = CapturedProcess::start(
      {ctest.string(), "-S",
       "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(script.get())});
  if (!process) return tl::unexpected(process.error());
  const Captured captured = process->wait();
  if (captured.wait_status != 0) return tl::unexpected(std::string());
  return customization_of(captured.errors);
}

tl::expected<Customization, std::string> customization_of(std::string_view text) {
  Customization custom;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kMark)) continue;
    line.erase(0, kMark.size());
    const auto end = line.find('=');
    const std::string name = line.substr(0, end);
    const std::string value = line.substr(end + 1);
    if (name == "PRE_TEST" || name == "POST_TEST") {
      custom.has_commands = custom.has_commands || !value.empty();
    } else if (name == "MAXIMUM_PASSED_TEST_OUTPUT_SIZE") {
      custom.output_size_passed = std::atoi(value.c_str());
    } else if (name == "MAXIMUM_FAILED_TEST_OUTPUT_SIZE") {
      custom.output_size_failed = std::atoi(value.c_str());
    } else {
      custom.truncation = truncation_of(value);
      if (!custom.truncation) return tl::unexpected(std::string());
    }
  }
  return custom;
}

}  // namespace hearth::ctest
