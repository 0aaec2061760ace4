// The daemon's log: one spdlog logger per component, all writing to one rotating file. An event in
// snake_case, then key=value. Info is for lifecycle only.
#pragma once

#include <spdlog/spdlog.h>

#include <filesystem>
#include <string>

namespace hearth::daemon {

// Opens `<directory>/hearthd.log` (5 MB, three old ones kept), which it creates with mode 0700. An
// error text, or empty.
[[nodiscard]] std::string open_log(const std::filesystem::path& directory);

// $HEARTH_STATE_DIR, else $XDG_STATE_HOME/hearth, else ~/.local/state/hearth.
std::filesystem::path state_directory();
std::filesystem::path log_file(const std::filesystem::path& directory);

// The logger of a component; before open_log it discards everything.
spdlog::logger& log(const char* component);

}  // namespace hearth::daemon
