// Stands in for a Python zygote: speaks the protocol, forks, and does what its arguments say.
// Started as `fake_zygote -S <program> <fd>`; a stage's arguments come with build_stage:
//   read:PATH      the stage's trace names the file
//   print:TEXT     at `selected`: printed to standard output
//   refuse:STAGE   the audit of that stage refuses it
//   once:STAGE     that stage serves once
//   fresh-until:N  at `configured`: in seconds since the epoch
//   end:CODE       at `selected`: the process ends with that code instead of pausing
//   crash          at `selected`: it dies of SIGSEGV instead of pausing
//   crash-while:PATH  at `configured`: likewise, while the file is there
//   fail:TEXT      at `configured`: stage_failed
//   hang           at `selected`: it never pauses (once:stage=PATH: while the file is there)
//   hang-for:gwN   likewise, when it is built for that worker
//   wait:PATH      at `selected`: it pauses when the file is gone
//   hang:fork      it does not answer start_process (once:fork=PATH likewise)
//   hang:forked    it forks, but does not tell (once:forked=PATH likewise)
//   distributed    at `configured`: the session turns out to be a controller
//   identity       the worker's id is read at `selected`
//   imports:NAME   at `selected`: the stage says that NAME may be imported ahead
//   misfit:NAME    at `configured`: if NAME was imported ahead, preload_rejected instead of pausing
//   variable:NAME  that variable is read at `selected`
//   items:N        at `selected`: so many items (2)
//   adopts         other arguments may do as well; without it, every stage has read the list itself
//   opt:NAME=VALUE an option
//   reads:STAGE=NAME  that stage reads that option
//   needs-start    (of other arguments) they need a start of their own
//   looks:PATH     (of other arguments) what they come to depends on that file
//   ask:PATH       it does not answer what arguments come to while the file is there
//   survives       its forks survive its death
// A session writes "<args of start_process>" to its standard output and ends with code 7, or:
//   hang:begin (before it says that it has begun), hang:session, close (every descriptor; then it
//   hangs)
// A controller opens a distribution, begins it, writes how it ended, and ends with 0 if all is
// done:
//   workers:N, policy:NAME, begin-early, open-twice, cancel-opened, cancel-began (twice),
//   hang:controller, hang:opened, hang:finished
// A worker executes its items at once:
//   hang:worker, hang:item, hang:end, linger, crash:gwN, unknown-item:gwN, unknown-revoked:gwN,
//   wrong-message:gwN, garbage:gwN (on the data channel)
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fake_arguments.h"
#include "fake_run.h"
#include "protocol/channel.h"
#include "protocol/signature.h"

namespace {

using namespace hearth::protocol;
using namespace hearth::tests;

struct State {
  Stage stage = Stage::interpreter;
  ProcessSpec spec;
  bool retiring = false;
  int children = 0;
  std::vector<ModuleOrigin> preloaded;
};

EnvironmentRead read_of(const ProcessSpec& spec, const std::string& name) {
  for (const auto& entry : spec.environment) {
    if (entry.rfind(name + "=", 0) == 0) return {name, entry.substr(name.size() + 1), true};
  }
  return {name, "", false};
}

void announce(Channel& channel, const State& state, const BuildStage& build) {
  const auto& spec = build.spec;
  StageReady ready;
  ready.stage = state.stage;
  for (const auto& each : spec.args) {
    if (each.rfind("read:", 0) == 0)
      ready.files.push_back(take_signature(each.substr(5), Look::content));
  }
  if (argument(spec, "refuse") == to_string(state.stage)) ready.refusal = "refused as asked";
  if (!has(spec, "adopts")) ready.options.push_back({"arguments", "fake.py:1"});
  for (const auto& each : spec.args) {
    const std::string reads = "reads:" + std::string(to_string(state.stage)) + "=";
    if (each.rfind(reads, 0) == 0)
      ready.options.push_back({each.substr(reads.size()), "fake.py:2"});
  }
  if (has(spec, std::string("once:") + std::string(to_string(state.stage))))
    ready.findings.push_back({"identity", "as asked", "/a.py", 1, Consequence::serves_once});
  if (state.stage == Stage::configured) ready.fresh_until = number(spec, "fresh-until", 0);
  ready.distributed = state.stage == Stage::configured && build.flavour == Flavour::session &&
                      has(spec, "distributed");
  if (state.stage == Stage::configured) {
    const auto crashes_while = argument(spec, "crash-while");
    if (!crashes_while.empty() && access(crashes_while.c_str(), F_OK) == 0) crash();
    const auto misfit = argument(spec, "misfit");
    for (const auto& module : state.preloaded) {
      if (module.name != misfit) continue;
      channel.send(PreloadRejected{misfit, "as asked", {}});
      _exit(1);
    }
  }
  if (state.stage == Stage::selected && !argument(spec, "imports").empty())
    channel.send(ImportsObserved{{{argument(spec, "imports"), "/fake/module.py"}}, {}, {}, {}});
  if (state.stage == Stage::configured && !argument(spec, "fail").empty()) {
    channel.send(StageFailed{argument(spec, "fail"), false});
    _exit(1);
  }
  if (state.stage == Stage::selected) {
    if (has(spec, "hang")) hang();
    if (has(spec, "hang-for:" + build.identity.id)) hang();
    hang_if_asked(spec, "stage");
    while (access(argument(spec, "wait").c_str(), F_OK) == 0) poll(nullptr, 0, 1);
    const auto text = argument(spec, "print");
    if (!text.empty() && write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(99);
    if (has(spec, "crash")) crash();
    if (const auto code = argument(spec, "end"); !code.empty()) _exit(std::atoi(code.c_str()));
    if (has(spec, "identity"))
      ready.environment.push_back({"PYTEST_XDIST_WORKER", build.identity.id, true});
    if (const auto name = argument(spec, "variable"); !name.empty())
      ready.environment.push_back(read_of(spec, name));
    for (std::uint64_t i = 0; i < number(spec, "items", 2); ++i)
      ready.items.push_back("a.py::" + std::to_string(i));
  }
  channel.send(ready);
}

// The options among arguments.
std::map<std::string, std::string> options_of(const std::vector<std::string>& args) {
  std::map<std::string, std::string> options;
  for (const auto& each : args) {
    const auto equals = each.find('=');
    if (each.rfind("opt:", 0) == 0) options[each.substr(4, equals - 4)] = each.substr(equals + 1);
  }
  return options;
}

ArgumentsTried try_arguments(const ProcessSpec& own, const TryArguments& question) {
  ProcessSpec other;
  other.args = question.args;
  ArgumentsTried answer;
  answer.request = question.request;
  if (has(other, "needs-start")) answer.refusal = "as asked";
  answer.distributed = has(other, "distributed");
  if (const auto path = argument(other, "looks"); !path.empty())
    answer.files.push_back(take_signature(path, Look::content));
  answer.differences.push_back({"arguments", "these", "others"});
  auto values = options_of(own.args);
  for (const auto& [name, value] : options_of(other.args)) {
    if (values[name] != value) answer.differences.push_back({name, values[name], value});
    values.erase(name);
  }
  for (const auto& [name, value] : values) answer.differences.push_back({name, value, ""});
  return answer;
}

// As the real one's: a fork dies with its zygote, and leads a process group.
pid_t fork_as_zygotes_do(const ProcessSpec& spec) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    if (!has(spec, "survives")) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) raise(SIGKILL);  // it died before
    }
  }
  return pid;
}

[[noreturn]] void serve(Fd socket, State state, const BuildStage* build) {
  Channel channel(std::move(socket));
  if (build) {
    announce(channel, state, *build);
  } else {
    channel.send(StageReady{});
  }
  for (;;) {
    if (state.retiring && state.children == 0) _exit(0);
    pollfd watched{channel.fd(), POLLIN, 0};
    poll(&watched, 1, 5);
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      --state.children;
      channel.send(ChildExited{static_cast<std::uint64_t>(pid), status, 0, 0, 0});
    }
    for (auto& received : channel.on_readable()) {
      if (std::holds_alternative<Retire>(received.message)) {
        state.retiring = true;
      } else if (const auto* question = std::get_if<TryArguments>(&received.message)) {
        while (access(argument(state.spec, "ask").c_str(), F_OK) == 0) poll(nullptr, 0, 1);
        channel.send(try_arguments(state.spec, *question));
      } else if (auto* stage = std::get_if<BuildStage>(&received.message)) {
        const pid_t pid = fork_as_zygotes_do(stage->spec);
        if (pid == 0) {
          close(channel.fd());  // its parent's own
          take_streams(received.descriptors, 1);
          State child;
          child.stage = stage->stage;
          child.spec = stage->spec;
          child.preloaded = stage->stage == Stage::preloaded ? stage->preload : state.preloaded;
          serve(std::move(received.descriptors[0]), child, stage);
        }
        received.descriptors.clear();
        ++state.children;
        channel.send(Forked{stage->request, static_cast<std::uint64_t>(pid)});
      } else if (auto* start = std::get_if<StartProcess>(&received.message)) {
        if (!start->fork) become_run(*start, std::move(received.descriptors));
        hang_if_asked(start->spec, "fork");
        const pid_t pid = fork_as_zygotes_do(start->spec);
        if (pid == 0) {
          close(channel.fd());
          become_run(*start, std::move(received.descriptors));
        }
        received.descriptors.clear();
        hang_if_asked(start->spec, "forked");
        ++state.children;
        channel.send(Forked{start->request, static_cast<std::uint64_t>(pid)});
      }
    }
    if (channel.closed()) _exit(0);
  }
}

}  // namespace

// AddressSanitizer would not have the recorder loaded before it.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" const char* __asan_default_options() { return "verify_asan_link_order=0"; }

int main(int argc, char** argv) {
  if (argc != 4) return 98;
  if (std::getenv("FAKE_ZYGOTE_DIES")) return 5;
  serve(Fd(std::atoi(argv[3])), State{}, nullptr);
}
