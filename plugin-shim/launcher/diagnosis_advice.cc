#include <algorithm>
#include <array>
#include <string_view>

#include "plugin-shim/launcher/diagnosis_view.h"

namespace hearth::launcher {
namespace {

using protocol::CauseKind;

struct Advice {
  CauseKind kind;
  std::string_view aspect;  // empty: whatever it is
  std::string_view text;
};

// The first that fits.
constexpr std::array kAdvice = {
    Advice{CauseKind::refused, "subprocess",
           "do it in a fixture; or, if its answer never changes, declare it in pyproject.toml: "
           "[tool.hearth] harmless = [\"subprocess\"]"},
    Advice{CauseKind::refused, "socket",
           "do it in a fixture; or, if what answers never changes, declare it in pyproject.toml: "
           "[tool.hearth] harmless = [\"socket\"]"},
    Advice{CauseKind::refused, "input",
           "nothing, if it is a debugger: the run goes on in that very process"},
    Advice{CauseKind::refused, "child",
           "start it in a session fixture, which also ends it: no two runs can have one child"},
    Advice{
        CauseKind::refused, "thread",
        "start it in a fixture, or when it is first needed: a thread does not live on in a fork"},
    Advice{CauseKind::refused, "descriptor",
           "open it in a fixture: all runs would share one socket or pipe"},
    Advice{CauseKind::refused, "lock", "lock it in a fixture: all runs would hold one lock"},
    Advice{CauseKind::refused, "database",
           "connect in a fixture: all runs would write through one connection"},
    Advice{CauseKind::refused, "memory",
           "make multiprocessing's locks and shared memory in a fixture: all runs would have one"},
    Advice{CauseKind::refused, "temporary",
           "use tmp_path_factory in fixtures only: each run has a directory of its own"},
    Advice{CauseKind::refused, "recorder",
           "install hearth again, at a path without blanks and colons"},
    Advice{
        CauseKind::serves_once, "identity",
        "take it in a fixture or in the test; or, if no two runs need differ in it, declare it in "
        "pyproject.toml: [tool.hearth] harmless = [\"identity\"]"},
    Advice{
        CauseKind::serves_once, "temporary",
        "use tmp_path or tmp_path_factory in a fixture; or, if runs may share it and none removes "
        "it, declare it in pyproject.toml: [tool.hearth] harmless = [\"temporary\"]"},
    Advice{CauseKind::variable, "",
           "read it in a fixture or in the test, or give all runs the same value"},
    Advice{CauseKind::worker_input, "",
           "nothing: a plugin tells workers another value in each run, and reads it before the "
           "tests are collected"},
    Advice{CauseKind::option, "",
           "read it as late as possible: in a fixture or in the hook that needs it"},
    Advice{CauseKind::surroundings, "",
           "nothing, if it has to differ; each kind of run is warm for itself"},
    Advice{CauseKind::declaration, "", "correct it: nothing of [tool.hearth] is used until then"},
};

// Of a native program, which has no fixtures: what its static initialisers do.
std::string native_advice(std::string_view kind) {
  if (kind == "program" || kind == "end") return "nothing: its commands are executed as ever";
  if (kind == "thread")
    return "start it in main, or when it is first needed: a thread does not live on in a fork";
  if (kind == "identity" || kind == "clock")
    return "do it in main or in the test; or, if no two processes need differ in it: "
           "HEARTH_HARMLESS=" +
           std::string(kind) + " in the test's environment";
  return "do it in main or in the test, not in a static initialiser";
}

}  // namespace

std::string advice(const protocol::Cause& cause) {
  constexpr std::string_view of_native = "main ";
  if (cause.aspect.starts_with(of_native))
    return native_advice(std::string_view(cause.aspect).substr(of_native.size()));
  if (cause.kind == CauseKind::preload) {
    if (cause.aspect.empty()) return "nothing: such runs import everything themselves";
    return "nothing, it is imported by each run; to hear no more of it: [tool.hearth] no_preload = "
           "[\"" +
           cause.aspect + "\"] in pyproject.toml";
  }
  const auto* found = std::find_if(kAdvice.begin(), kAdvice.end(), [&](const Advice& each) {
    return each.kind == cause.kind && (each.aspect.empty() || each.aspect == cause.aspect);
  });
  return found == kAdvice.end() ? "do it in a fixture" : std::string(found->text);
}

}  // namespace hearth::launcher
