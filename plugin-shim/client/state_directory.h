// What outlives the daemon on disk.
#pragma once

#include <filesystem>

namespace hearth::client {

// $HEARTH_STATE_DIR, else $XDG_STATE_HOME/hearth, else ~/.local/state/hearth.
std::filesystem::path state_directory();

// The daemon's log, in there.
std::filesystem::path log_file();

}  // namespace hearth::client
