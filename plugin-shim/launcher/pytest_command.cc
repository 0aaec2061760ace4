#include <cerrno>
#include <cstring>
#include <filesystem>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/client/run.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/find_pytest.h"

namespace hearth::launcher {

int pytest(std::vector<std::string> arguments) {
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::current_path(error);
  if (error) {
    return complain("cannot tell the current directory (" + error.message() +
                    "): change to one that exists");
  }
  auto found = find_pytest(current_surroundings());
  if (!found) return complain(found.error());
  auto conversation = client::open_or_start(client::executable_directory());
  if (!conversation) return complain(conversation.error().message);

  client::ForwardedSignals signals;
  protocol::ProcessSpec spec{.python = found->python.string(),
                             .script = found->script.string(),
                             .sys_path = {},
                             .args = std::move(arguments),
                             .directory = directory.string(),
                             .environment = client::current_environment(),
                             .umask = client::current_umask()};
  const auto wait_status = client::run(conversation->connection, std::move(spec), signals);
  if (wait_status) client::end_like(*wait_status);
  return complain(wait_status.error().message);
}

}  // namespace hearth::launcher
