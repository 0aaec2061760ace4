// Plain write(2): `hearth pytest` should not pay for streams that it does not use.
#include <unistd.h>

#include "plugin-shim/launcher/commands.h"
#include "protocol/write_all.h"

namespace hearth::launcher {
int complain(std::string_view message, int code) {
  std::string line = "hearth: ";
  line += message;
  line += '\n';
  protocol::write_all(STDERR_FILENO, line);
  return code;
}

bool print(std::string_view text) { return protocol::write_all(STDOUT_FILENO, text); }

}  // namespace hearth::launcher
