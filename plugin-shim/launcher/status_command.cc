#include "plugin-shim/launcher/ask.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/status_view.h"

namespace hearth::launcher {

int status(bool json) {
  const auto found = ask<protocol::Status>(protocol::GetStatus{});
  if (!found) return kTrouble;
  return print(json ? status_json(*found) : status_table(*found)) ? 0 : kTrouble;
}

}  // namespace hearth::launcher
