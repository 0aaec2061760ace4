// Stands in for a Python zygote: speaks the protocol, forks, and does what its arguments say.
// Started as `fake_zygote <program> <fd>`; a stage's arguments come with build_stage:
//   read:PATH      the stage's trace names the file
//   print:TEXT     at `selected`: printed to standard output
//   refuse:STAGE   the audit of that stage refuses it
//   end:CODE       at `selected`: the process ends with that code instead of pausing
//   crash          at `selected`: it dies of SIGSEGV instead of pausing
//   fail:TEXT      at `configured`: stage_failed
//   hang           at `selected`: it never pauses
//   distributed    at `configured`: the session turns out to be a controller
//   identity       the worker's id is read at `selected`
// A process of a run writes "<args of start_process>" to its standard output and ends with code 7.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "protocol/channel.h"
#include "protocol/signature.h"

namespace {

using namespace hearth::protocol;

struct State {
  Stage stage = Stage::interpreter;
  ProcessSpec spec;
  bool retiring = false;
  int children = 0;
};

std::string argument(const ProcessSpec& spec, const std::string& name) {
  for (const auto& each : spec.args) {
    if (each.rfind(name + ":", 0) == 0) return each.substr(name.size() + 1);
  }
  return {};
}

bool has(const ProcessSpec& spec, const std::string& name) {
  for (const auto& each : spec.args) {
    if (each == name) return true;
  }
  return false;
}

void take_streams(std::vector<Fd>& descriptors, std::size_t first) {
  for (int stream = 0; stream < 3; ++stream)
    dup2(descriptors[first + static_cast<std::size_t>(stream)].get(), stream);
}

// One blocking flush: the tests' messages are small.
void say(Channel& channel, const Message& message) { channel.send(message); }

void announce(Channel& channel, State& state, const BuildStage* build) {
  StageReady ready;
  ready.stage = state.stage;
  if (build) {
    for (const auto& each : build->spec.args) {
      if (each.rfind("read:", 0) == 0 && state.stage != Stage::interpreter) {
        ready.files.push_back(take_signature(each.substr(5)));
      }
    }
    if (argument(build->spec, "refuse") == to_string(state.stage))
      ready.refusal = "refused as asked";
    ready.distributed = state.stage == Stage::configured && has(build->spec, "distributed");
    if (state.stage == Stage::selected) {
      if (has(build->spec, "hang")) {
        for (;;) pause();
      }
      const auto text = argument(build->spec, "print");
      if (!text.empty() && write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(99);
      if (has(build->spec, "crash")) raise(SIGSEGV);
      if (const auto code = argument(build->spec, "end"); !code.empty())
        _exit(std::atoi(code.c_str()));
      if (has(build->spec, "identity")) {
        ready.environment.push_back({"PYTEST_XDIST_WORKER", build->identity.id, true});
      }
      ready.items = {"a.py::one", "a.py::two"};
    }
    if (state.stage == Stage::configured && !argument(build->spec, "fail").empty()) {
      say(channel, StageFailed{argument(build->spec, "fail")});
      _exit(1);
    }
  }
  say(channel, ready);
}

[[noreturn]] void become_run(const StartProcess& start, std::vector<Fd> descriptors) {
  take_streams(descriptors, 2);
  std::string text = start.printed_stdout;
  for (const auto& each : start.spec.args) text += "<" + each + ">";
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(99);
  _exit(7);
}

[[noreturn]] void serve(Fd socket, State state, const BuildStage* build) {
  Channel channel(std::move(socket));
  announce(channel, state, build);
  for (;;) {
    if (state.retiring && state.children == 0) _exit(0);
    pollfd watched{channel.fd(), POLLIN, 0};
    poll(&watched, 1, 5);
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      --state.children;
      say(channel, ChildExited{static_cast<std::uint64_t>(pid), status, 0, 0, 0});
    }
    for (auto& received : channel.on_readable()) {
      if (std::holds_alternative<Retire>(received.message)) {
        state.retiring = true;
      } else if (auto* stage = std::get_if<BuildStage>(&received.message)) {
        const pid_t pid = fork();
        if (pid == 0) {
          take_streams(received.descriptors, 1);
          State child;
          child.stage = stage->stage;
          child.spec = stage->spec;
          serve(std::move(received.descriptors[0]), child, stage);
        }
        ++state.children;
        say(channel, Forked{stage->request, static_cast<std::uint64_t>(pid)});
      } else if (auto* start = std::get_if<StartProcess>(&received.message)) {
        if (!start->fork) become_run(*start, std::move(received.descriptors));
        const pid_t pid = fork();
        if (pid == 0) become_run(*start, std::move(received.descriptors));
        ++state.children;
        say(channel, Forked{start->request, static_cast<std::uint64_t>(pid)});
      }
    }
    if (channel.closed()) _exit(0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 98;
  if (std::getenv("FAKE_ZYGOTE_DIES")) return 5;
  serve(Fd(std::atoi(argv[2])), State{}, nullptr);
}
