// What the `hearth` command can do. Each function is one subcommand and returns the exit code; what
// the user asked for goes to standard output, trouble as one line `hearth: …` to standard error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::launcher {

inline constexpr int kComplaints = 1;  // of doctor: there is something to do
inline constexpr int kUsage = 2;       // the command line makes no sense
inline constexpr int kTrouble = 3;     // it does, and cannot be done

int start();
int stop();
int status(bool json);
int logs(bool follow);
int why(bool json);
int doctor(bool json);
int version();

// Does not return after a run: it ends as the session did.
int pytest(std::vector<std::string> arguments);
// `hearth hand-over PYTHON SCRIPT ARGUMENTS…`: what a pytest process becomes whose plugin hands its
// run over. SCRIPT is empty for `python -m pytest`.
int handed_over_pytest(std::vector<std::string> words);

// Ends as ctest would: with its exit code, or as the real ctest, or by the signal that stopped it.
int ctest(const std::vector<std::string>& arguments);

// Runs it, and again after each change of what it looked at, until the user quits (exit code 0).
int watch(std::vector<std::string> arguments);

// `hearth exec [--] COMMAND …`: ends as the command does.
int exec(std::vector<std::string> words);

// Writes `hearth: <message>` and returns `code`.
int complain(std::string_view message, int code = kTrouble);
// Writes all of it to standard output; false when that is closed or full.
bool print(std::string_view text);

}  // namespace hearth::launcher
