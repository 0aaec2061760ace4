#include <fcntl.h>

#include <filesystem>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/client/process_context.h"
#include "plugin-shim/client/run.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/find_pytest.h"

namespace hearth::launcher {
namespace {

// A socket that got the number of a closed stream would be read and written as that stream. So the
// numbers are taken for as long as this process lives; the session still gets its stream closed.
client::OpenStreams take_stock_of_streams() {
  const client::OpenStreams open_at_start = client::open_streams();
  for (const bool is_open : open_at_start) {
    if (!is_open) static_cast<void>(open("/dev/null", O_RDWR | O_CLOEXEC));
  }
  return open_at_start;
}

}  // namespace

int pytest(std::vector<std::string> arguments) {
  const client::OpenStreams streams = take_stock_of_streams();
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

  protocol::ProcessSpec spec{.python = found->python.string(),
                             .script = found->script.string(),
                             .sys_path = {},
                             .args = std::move(arguments),
                             .directory = directory.string(),
                             .environment = client::current_environment(),
                             .umask = client::current_umask(),
                             .context = client::current_process_context()};
  const auto daemon = static_cast<pid_t>(conversation->connection.daemon_pid());
  // No process of the daemon's could be like this one: a plain run has the same result.
  if (!client::difference_from(daemon).empty()) return complain(client::become(spec));

  client::ForwardedSignals signals;
  const auto wait_status = client::run(conversation->connection, std::move(spec), streams, signals);
  if (wait_status) client::end_like(*wait_status);
  return complain(wait_status.error().message);
}

}  // namespace hearth::launcher
