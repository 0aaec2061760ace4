#include "plugin-shim/launcher/pytest_spec.h"

#include <fcntl.h>

#include <filesystem>
#include <utility>

#include "plugin-shim/client/process_context.h"
#include "plugin-shim/client/run.h"
#include "plugin-shim/client/this_process.h"

namespace hearth::launcher {

client::OpenStreams take_stock_of_streams() {
  const client::OpenStreams open_at_start = client::open_streams();
  for (const bool is_open : open_at_start) {
    if (!is_open) static_cast<void>(open("/dev/null", O_RDWR | O_CLOEXEC));
  }
  return open_at_start;
}

tl::expected<protocol::ProcessSpec, std::string> pytest_spec(const Pytest& pytest,
                                                             std::vector<std::string> arguments) {
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::current_path(error);
  if (error) {
    return tl::unexpected("cannot tell the current directory (" + error.message() +
                          "): change to one that exists");
  }
  return protocol::ProcessSpec{.python = pytest.python.string(),
                               .script = pytest.script.string(),
                               .sys_path = {},
                               .args = std::move(arguments),
                               .directory = directory.string(),
                               .environment = client::current_environment(),
                               .umask = client::current_umask(),
                               .context = client::current_process_context()};
}

}  // namespace hearth::launcher
