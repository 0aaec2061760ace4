#include <filesystem>

#include "plugin-shim/launcher/ask.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/diagnosis_view.h"

namespace hearth::launcher {

int doctor(bool json) {
  std::error_code error;
  const auto directory = std::filesystem::current_path(error).string();
  if (error) return complain("cannot tell the current directory (" + error.message() + ")");
  const auto found = ask<protocol::Diagnosis>(protocol::GetDiagnosis{directory});
  if (!found) return kTrouble;
  if (!found->found) {
    if (json) print(diagnosis_json(*found));
    return complain("no run of this project since the daemon was started: `hearth pytest` first");
  }
  if (!print(json ? diagnosis_json(*found) : diagnosis_text(*found))) return kTrouble;
  return found->complaints.empty() ? 0 : kComplaints;
}

}  // namespace hearth::launcher
