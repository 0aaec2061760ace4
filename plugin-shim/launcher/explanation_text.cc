#include "plugin-shim/launcher/explanation_view.h"
#include "plugin-shim/launcher/status_view.h"
#include "plugin-shim/launcher/table.h"

namespace hearth::launcher {
namespace {

using protocol::Cause;
using protocol::CauseKind;

// A value, as in a shell; long ones are cut.
std::string value(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  return text.size() > kLongest ? text.substr(0, kLongest) + "…" : text;
}

std::string change(const Cause& cause) { return value(cause.before) + " -> " + value(cause.after); }

std::string at(const Cause& cause) { return cause.place.empty() ? "" : ", at " + cause.place; }

std::string of_file(const Cause& cause) {
  if (cause.aspect == "kind" && cause.before == "absent") return cause.subject + " appeared";
  if (cause.aspect == "kind" && cause.after == "absent") return cause.subject + " is gone";
  const std::string values = cause.before.empty() ? "" : " " + change(cause);
  return cause.subject + " changed (" + cause.aspect + values + ")";
}

std::string of_variable(const Cause& cause) {
  const std::string name = "variable " + cause.subject;
  if (cause.aspect == "set") return name + " is set now (" + value(cause.after) + ")";
  if (cause.aspect == "unset") return name + " is not set now (was " + value(cause.before) + ")";
  return name + " changed (" + change(cause) + ")";
}

std::string of_worker_input(const Cause& cause) {
  if (cause.subject.empty()) return "config.workerinput has other keys";
  const auto key = "config.workerinput[\"" + cause.subject + "\"]";
  if (cause.aspect == "set") return key + " is there now";
  if (cause.aspect == "unset") return key + " is not there now";
  return key + " differs";
}

std::string of_option(const Cause& cause) {
  const bool is_list = cause.subject == "arguments";
  const std::string name = is_list ? "the list of arguments" : "option " + cause.subject;
  return name + " differs (" + change(cause) + "); it was read at " + cause.place;
}

std::string of_surroundings(const Cause& cause) {
  if (cause.before.empty() && cause.after.empty()) return "other " + cause.subject;
  return "another " + cause.subject + " (" + change(cause) + ")";
}

}  // namespace

std::string sentence(const Cause& cause) {
  switch (cause.kind) {
    case CauseKind::served:
      return cause.aspect == "rebuilt" ? "served; it was rebuilt before the run"
                                       : "served" + (cause.place.empty() ? "" : ": " + cause.place);
    case CauseKind::first_use:
      return "nothing like it was built before";
    case CauseKind::file:
      return of_file(cause);
    case CauseKind::variable:
      return of_variable(cause);
    case CauseKind::option:
      return of_option(cause);
    case CauseKind::arguments:
      return "these arguments need a start of their own: " + cause.subject;
    case CauseKind::surroundings:
      return of_surroundings(cause);
    case CauseKind::refused:
      return "cannot be forked: " + cause.subject + at(cause);
    case CauseKind::serves_once:
      return "serves once: " + cause.subject + at(cause);
    case CauseKind::too_old:
      return "was too old: it may have looked at the clock";
    case CauseKind::evicted:
      return cause.aspect == "idle"     ? "was ended: unused for too long"
             : cause.aspect == "memory" ? "was ended: its memory was needed"
                                        : "was ended: too many others were used since";
    case CauseKind::lost:
      return "its process " + cause.subject;
    case CauseKind::ended:
      return "the command ended before it: it " + cause.subject;
    case CauseKind::preload:
      return (cause.aspect.empty() ? "what was imported ahead is of no use"
                                   : cause.aspect + " cannot be imported ahead") +
             ": " + cause.subject;
    case CauseKind::declaration:
      return cause.subject + at(cause);
    case CauseKind::worker_input:
      return of_worker_input(cause);
  }
  return {};
}

std::string explanation_text(const protocol::Explanation& explanation) {
  const bool is_of_commands = !explanation.flavours.empty() &&
                              explanation.flavours.front().flavour == protocol::Flavour::command;
  std::string text =
      "hearth " + (is_of_commands ? joined(explanation.args) : pytest_command(explanation.args)) +
      "   (" + readable_duration(explanation.age_ms) + " ago)\n";
  std::vector<Row> rows;
  for (const auto& flavour : explanation.flavours) {
    const auto& stages = flavour.stages;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const bool likewise = i > 0 && stages[i].cause == stages[i - 1].cause;
      rows.push_back({i == 0 ? std::string(to_string(flavour.flavour)) : "",
                      std::string(to_string(stages[i].stage)),
                      likewise ? "likewise" : one_line(sentence(stages[i].cause))});
    }
  }
  if (rows.empty()) return text + "  it has no stage yet\n";
  return text + columns(rows);
}

}  // namespace hearth::launcher
