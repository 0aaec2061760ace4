#include "plugin-shim/launcher/ctest_executor.h"

#include <utility>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/client/process_context.h"
#include "plugin-shim/ctest/local_executor.h"
#include "plugin-shim/ctest/warm_executor.h"
#include "plugin-shim/launcher/commands.h"

namespace hearth::launcher {

std::unique_ptr<ctest::Executor> make_executor(const std::vector<std::string>& arguments) {
  const auto conversation = client::open_or_start(client::executable_directory());
  auto local = std::make_unique<ctest::LocalExecutor>();
  if (!conversation) {
    complain(conversation.error().message + " (so no test program is warm)");
    return local;
  }
  const auto daemon = static_cast<pid_t>(conversation->connection.daemon_pid());
  const auto endpoints = protocol::locate_endpoints();
  // No process of the daemon's could be like this one.
  if (!endpoints || !client::difference_from(daemon).empty()) return local;
  std::vector<std::string> typed{"ctest"};
  typed.insert(typed.end(), arguments.begin(), arguments.end());
  return std::make_unique<ctest::WarmExecutor>(*endpoints, std::move(typed), std::move(local));
}

}  // namespace hearth::launcher
