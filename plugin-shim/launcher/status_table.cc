#include <cstdio>
#include <vector>

#include "plugin-shim/launcher/status_view.h"
#include "plugin-shim/launcher/table.h"

namespace hearth::launcher {
namespace {

std::string zygotes(const protocol::Status& status) {
  std::vector<Row> rows{
      {"process", "stage", "flavour", "state", "age", "served", "files", "memory", "for"}};
  for (const protocol::ZygoteStatus& zygote : status.zygotes) {
    const bool bare = zygote.stage == protocol::Stage::interpreter;
    const bool is_native = zygote.stage == protocol::Stage::main;
    rows.push_back({std::to_string(zygote.pid), std::string(to_string(zygote.stage)),
                    bare ? "-" : std::string(to_string(zygote.flavour)), zygote.state,
                    readable_duration(zygote.age_ms), std::to_string(zygote.served),
                    std::to_string(zygote.files), readable_size(zygote.pss_bytes),
                    bare        ? zygote.python
                    : is_native ? one_line(zygote.directory + ": " + zygote.python)
                                : one_line(zygote.directory + ": " + pytest_command(zygote.args))});
  }
  return columns(rows);
}

std::string runs(const protocol::Status& status) {
  std::vector<Row> rows{{"run", "state", "age", "workers", "slots", "finished", "for"}};
  for (const protocol::RunStatus& run : status.runs) {
    const std::string total = run.items == 0 ? "?" : std::to_string(run.items);
    rows.push_back({std::to_string(run.run), run.state, readable_duration(run.age_ms),
                    std::to_string(run.workers), std::to_string(run.slots),
                    std::to_string(run.finished) + " of " + total,
                    one_line(run.directory + ": " + joined(run.args))});
  }
  return columns(rows);
}

}  // namespace

std::string readable_duration(std::uint64_t milliseconds) {
  const std::uint64_t seconds = milliseconds / 1000;
  const std::uint64_t minutes = seconds / 60;
  const std::uint64_t hours = minutes / 60;
  if (seconds == 0) return std::to_string(milliseconds) + " ms";
  if (minutes == 0) return std::to_string(seconds) + " s";
  if (hours == 0) return std::to_string(minutes) + " min";
  if (hours < 24) return std::to_string(hours) + " h " + std::to_string(minutes % 60) + " min";
  return std::to_string(hours / 24) + " d " + std::to_string(hours % 24) + " h";
}

std::string readable_size(std::uint64_t bytes) {
  if (bytes == 0) return "-";
  char text[32];
  if (bytes < 1'000'000) {
    std::snprintf(text, sizeof text, "%.0f kB", static_cast<double>(bytes) / 1e3);
  } else if (bytes < 1'000'000'000) {
    std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  } else {
    std::snprintf(text, sizeof text, "%.2f GB", static_cast<double>(bytes) / 1e9);
  }
  return text;
}

std::string status_table(const protocol::Status& status) {
  std::uint64_t memory = 0;
  for (const protocol::ZygoteStatus& zygote : status.zygotes) memory += zygote.pss_bytes;
  std::string text = "hearth " + status.version + ", process " + std::to_string(status.pid) +
                     ", up " + readable_duration(status.uptime_ms) + "\n";
  text += "slots: " + std::to_string(status.slots_busy) + " of " + std::to_string(status.slots) +
          " busy; runs finished: " + std::to_string(status.runs_finished) +
          "; interpreters started: " + std::to_string(status.interpreters_started) + "\n";
  text += "log: " + status.log_file + "\n";
  text += "\nzygotes: " + std::to_string(status.zygotes.size());
  if (memory != 0) text += ", " + readable_size(memory);
  text += '\n';
  if (!status.zygotes.empty()) text += zygotes(status);
  text += "\nruns: " + std::to_string(status.runs.size()) + "\n";
  if (!status.runs.empty()) text += runs(status);
  return text;
}

}  // namespace hearth::launcher
