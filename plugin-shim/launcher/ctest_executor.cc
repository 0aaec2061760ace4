#include "plugin-shim/launcher/ctest_executor.h"

#include <csignal>
#include <utility>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/client/process_context.h"
#include "plugin-shim/ctest/local_executor.h"
#include "plugin-shim/ctest/warm_executor.h"
#include "plugin-shim/launcher/commands.h"

namespace hearth::launcher {

void ExecutorSource::look() {
  if (const auto running = client::open_running())
    daemon_ = static_cast<pid_t>(running->connection.daemon_pid());
}

std::unique_ptr<ctest::Executor> ExecutorSource::make() {
  auto local = std::make_unique<ctest::LocalExecutor>();
  if (!daemon_ || kill(*daemon_, 0) != 0) {
    const auto conversation = client::open_or_start(client::executable_directory());
    if (!conversation) {
      complain(conversation.error().message + " (so no test program is warm)");
      return local;
    }
    daemon_ = static_cast<pid_t>(conversation->connection.daemon_pid());
  }
  const auto endpoints = protocol::locate_endpoints();
  // No process of the daemon's could be like this one.
  if (!endpoints || !client::difference_from(*daemon_).empty()) return local;
  std::vector<std::string> typed{"ctest"};
  typed.insert(typed.end(), arguments_.begin(), arguments_.end());
  return std::make_unique<ctest::WarmExecutor>(*endpoints, std::move(typed), std::move(local));
}

}  // namespace hearth::launcher
