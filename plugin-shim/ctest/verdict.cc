#include "plugin-shim/ctest/verdict.h"

#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <utility>

namespace hearth::ctest {
namespace {

// For signals that have no better word ctest takes their names.
std::string fault_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "Segmentation fault";
    case SIGBUS:
      return "Bus error";
    case SIGFPE:
      return "Floating-point exception";
    case SIGILL:
      return "Illegal instruction";
    case SIGINT:
      return "User interrupt";
    case SIGABRT:
      return "Subprocess aborted";
    case SIGKILL:
      return "Subprocess killed";
    case SIGTERM:
      return "Subprocess terminated";
    default:
      break;
  }
  const char* const name = sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "Signal " + std::to_string(signal);
}

struct Fault {
  Status status;
  const char* shown;
};

Fault fault_status_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return {Status::segfault, "SegFault"};
    case SIGILL:
      return {Status::illegal, "Illegal"};
    case SIGINT:
      return {Status::interrupt, "Interrupt"};
    case SIGFPE:
      return {Status::numerical, "Numerical"};
    default:
      return {Status::other_fault, ""};
  }
}

// What the expressions say of the output.
struct Findings {
  std::string reason;
  bool fails = false;
  bool skips = false;
};

Findings look(const Test& test, const std::string& output, Expressions& expressions) {
  Findings findings;
  if (!test.pass_expressions.empty()) {
    if (const auto* found = expressions.first_match(test.pass_expressions, output)) {
      findings.reason = "Required regular expression found. Regex=[" + *found + "]";
    } else {
      findings.reason = "Required regular expression not found. Regex=[";
      for (const std::string& pattern : test.pass_expressions) findings.reason += pattern + "\n";
      findings.reason += "]";
      findings.fails = true;
    }
  }
  if (const auto* found = expressions.first_match(test.fail_expressions, output)) {
    findings.reason = "Error regular expression found in output. Regex=[" + *found + "]";
    findings.fails = true;
  }
  if (const auto* found = expressions.first_match(test.skip_expressions, output)) {
    findings.reason = "Skip regular expression found in output. Regex=[" + *found + "]";
    findings.skips = true;
  }
  return findings;
}

void judge_exit(const Test& test, int exit_code, const Findings& findings, Verdict& verdict) {
  const bool has_skip_code = test.skip_return_code >= 0 && test.skip_return_code == exit_code;
  if (has_skip_code || findings.skips) {
    verdict.status = Status::not_run;
    verdict.is_skipped = true;
    verdict.completion = findings.skips
                             ? "SKIP_REGULAR_EXPRESSION_MATCHED"
                             : "SKIP_RETURN_CODE=" + std::to_string(test.skip_return_code);
    verdict.shown = "***Skipped ";
    return;
  }
  const bool succeeds = !findings.fails && (exit_code == 0 || !test.pass_expressions.empty());
  if (succeeds != test.will_fail) {
    verdict.status = Status::completed;
    verdict.shown = "   Passed  ";
  } else {
    verdict.status = Status::failed;
    verdict.shown = "***Failed  " + verdict.reason;
  }
}

}  // namespace

Ending ending_of(int wait_status) {
  Ending ending;
  if (WIFSIGNALED(wait_status)) {
    ending.kind = Ending::Kind::signalled;
    ending.signal = WTERMSIG(wait_status);
  } else {
    ending.kind = Ending::Kind::exited;
    ending.exit_code = WEXITSTATUS(wait_status);
  }
  return ending;
}

Verdict judge(const Test& test, const Ending& ending, const std::string& output,
              Expressions& expressions) {
  const Findings findings = look(test, output, expressions);
  Verdict verdict;
  verdict.completion = "Completed";
  verdict.reason = findings.reason;
  switch (ending.kind) {
    case Ending::Kind::not_started:
      return not_started(Status::bad_command, "Failed to start");
    case Ending::Kind::exited:
      judge_exit(test, ending.exit_code, findings, verdict);
      break;
    case Ending::Kind::timed_out:
      verdict.status = Status::timeout;
      verdict.shown = "***Timeout ";
      if (ending.asked_to_end && test.timeout_signal)
        verdict.shown += "(" + test.timeout_signal->name + ") ";
      break;
    case Ending::Kind::signalled: {
      const Fault fault = fault_status_of(ending.signal);
      verdict.status = fault.status;
      verdict.fault = fault_of(ending.signal);
      verdict.shown = "***Exception: " + std::string(fault.shown);
      // ctest writes this at once, and the rest later.
      if (fault.status == Status::other_fault) verdict.shown.insert(0, verdict.fault);
      break;
    }
  }
  return verdict;
}

Verdict not_started(Status status, std::string completion) {
  Verdict verdict;
  verdict.status = status;
  verdict.shown = completion == "Disabled" ? "***Not Run (Disabled) " : "***Not Run ";
  verdict.completion = std::move(completion);
  return verdict;
}

std::string reason_of(const Test& test, const std::string& output, Expressions& expressions) {
  return look(test, output, expressions).reason;
}

std::string name_of(const Verdict& verdict) {
  switch (verdict.status) {
    case Status::not_run:
      return "Not Run";
    case Status::timeout:
      return "Timeout";
    case Status::segfault:
      return "SEGFAULT";
    case Status::illegal:
      return "ILLEGAL";
    case Status::interrupt:
      return "INTERRUPT";
    case Status::numerical:
      return "NUMERICAL";
    case Status::other_fault:
      return verdict.fault;
    case Status::failed:
      return "Failed";
    case Status::bad_command:
      return "BAD_COMMAND";
    case Status::completed:
      return "Completed";
  }
  return {};
}

}  // namespace hearth::ctest
