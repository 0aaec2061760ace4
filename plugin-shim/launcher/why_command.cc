#include <filesystem>

#include "plugin-shim/launcher/ask.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/explanation_view.h"

namespace hearth::launcher {

int why(bool json) {
  std::error_code error;
  const auto directory = std::filesystem::current_path(error).string();
  if (error) return complain("cannot tell the current directory (" + error.message() + ")");
  const auto found = ask<protocol::Explanation>(protocol::GetExplanation{directory});
  if (!found) return kTrouble;
  if (json) return print(explanation_json(*found)) && found->found ? 0 : kTrouble;
  if (found->found) return print(explanation_text(*found)) ? 0 : kTrouble;
  return complain("no run from here since the daemon was started" +
                  (found->directory.empty() ? "" : "; the last one was in " + found->directory));
}

}  // namespace hearth::launcher
