// What becomes of a run that hearth cannot carry out: plain pytest, in this very process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::launcher {

// The variable by which the launcher tells the plugin, in the same process after exec, that this
// process is to be plain pytest: it would hand the run over again. Its value is the process id, so
// that nobody else obeys it; the plugin removes it.
inline constexpr const char* kPlain = "HEARTH_PLAIN";

// The user wants an error instead ($HEARTH_STRICT, or `--hearth-strict`, which is taken out of the
// arguments: it is the launcher's).
bool is_strict(std::vector<std::string>& arguments);

// Who asked for the run.
enum class Asked { by_user, by_plugin };

// Says why in one line (empty: nothing) and executes the command. Comes back, with an exit code,
// when it cannot be.
int run_plainly(std::string_view reason, const std::vector<std::string>& command, Asked asked);

}  // namespace hearth::launcher
