#include "daemon/zygote.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "daemon/environment_reads.h"
#include "daemon/log.h"
#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

// How long a zygote whose channel is gone may take to be reaped before its death is taken for
// granted.
constexpr auto reaping_patience = std::chrono::seconds(1);

// Argument lists of which a zygote is remembered to have been asked.
constexpr std::size_t remembered_arguments = 256;

// Whether none is missing because no descriptor was left when it was duplicated.
bool all_open(const std::vector<protocol::Fd>& descriptors) {
  return std::all_of(descriptors.begin(), descriptors.end(),
                     [](const protocol::Fd& fd) { return static_cast<bool>(fd); });
}

// The environment, with the recorder before the user's own preloaded libraries. It takes itself out
// again when it is loaded. Without it (an incomplete installation, or a path that the dynamic
// loader would take apart) the zygote refuses to be forked, and runs are cold.
std::vector<std::string> with_recorder(std::vector<std::string> environment,
                                       const std::filesystem::path& zygote_program) {
  constexpr std::string_view name = "LD_PRELOAD=";
  const auto library =
      (zygote_program.parent_path().parent_path() / "libhearth_recorder.so").string();
  if (access(library.c_str(), R_OK) != 0 || library.find_first_of(": \t\n") != std::string::npos) {
    log("zygote").warn("no_recorder path={:?}", library);
    return environment;
  }
  const auto theirs = std::find_if(environment.begin(), environment.end(),
                                   [&](const auto& entry) { return entry.starts_with(name); });
  if (theirs == environment.end()) {
    environment.push_back(std::string(name) + library);
  } else {
    theirs->insert(name.size(), library + ":");
  }
  return environment;
}

bool has_changed(const protocol::StageReady& ready) {
  return std::any_of(ready.files.begin(), ready.files.end(),
                     [](const auto& each) { return each.look == protocol::Look::written; }) ||
         std::any_of(ready.findings.begin(), ready.findings.end(), [](const auto& each) {
           return each.kind == "temporary" || each.kind == "removal";
         });
}

}  // namespace

Zygote::Zygote(EventLoop& loop, ProcessTable& processes, Listener& listener, StageKey key,
               Zygote* parent, Clock::duration fork_patience)
    : loop_(loop),
      processes_(processes),
      listener_(listener),
      key_(std::move(key)),
      parent_(parent),
      fork_patience_(fork_patience),
      streams_(loop) {}

Zygote::~Zygote() {
  loop_.cancel(lost_timer_);
  for (const auto& [number, request] : requests_) loop_.cancel(request.timer);
  close_channel();
  if (pid_ != 0) processes_.forget(pid_);
}

std::string Zygote::open_channel(protocol::Fd& theirs) {
  auto pair = protocol::socket_pair();
  if (!pair) return "cannot make a socket pair: " + pair.error().message();
  channel_ = std::make_unique<protocol::Channel>(std::move(pair->first));
  theirs = std::move(pair->second);
  loop_.watch(channel_->fd(), POLLIN, [this](short events) { on_events(events); });
  if (auto opened = streams_.open(key_.shape); !opened) return opened.error();
  return {};
}

std::string Zygote::spawn_interpreter(const std::string& zygote_program,
                                      const ProcessRequest& wanted) {
  built_for_ = wanted.spec;
  protocol::Fd theirs;
  if (auto error = open_channel(theirs); !error.empty()) return error;
  SpawnRequest request;
  request.program = key_.spec.python;
  request.arguments = {key_.spec.python, "-S", zygote_program, "3"};
  request.environment = with_recorder(built_for_.environment, zygote_program);
  request.directory = key_.spec.directory.empty() ? "/" : key_.spec.directory;
  request.control = theirs.get();
  request.umask = wanted.spec.umask;  // byte code that it writes is the user's
  const auto streams = streams_.descriptors();
  std::copy(streams.begin(), streams.end(), request.streams);
  auto pid = spawn(request);
  if (!pid) return pid.error();
  adopt_pid(*pid);
  return {};
}

std::string Zygote::build_from_parent(const ProcessRequest& request, ImportHistory::Plan plan) {
  built_for_ = request.spec;
  identity_ = request.identity;
  if (parent_->key_.stage >= protocol::Stage::configured) {
    // One that was built for them knows what they come to, also when the answer is forgotten.
    own_tried_ = parent_->args() == request.spec.args
                     ? parent_->own_tried_
                     : parent_->parsed_by().tried(request.spec.args);
    if (!own_tried_) return "what its arguments come to is not known any more; run it again";
    trace_.add(own_tried_->trace());
  }
  protocol::Fd theirs;
  if (auto error = open_channel(theirs); !error.empty()) return error;
  protocol::BuildStage build;
  build.request = parent_->next_request_++;
  build.stage = key_.stage;
  build.flavour = request.flavour;
  build.spec = request.spec;
  build.identity = request.identity;
  build.distribution = request.distribution;
  plan_ = std::move(plan);
  build.preload = plan_.modules;
  build.no_preload = plan_.excluded;
  auto descriptors = streams_.duplicates();
  descriptors.insert(descriptors.begin(), std::move(theirs));
  if (!parent_->channel_ || !all_open(descriptors)) return "too many open files?";
  parent_->await_answer(build.request, [this, alive = std::weak_ptr(alive_)](pid_t pid) {
    if (!alive.expired() && state_ != State::ended) {
      on_forked_for_stage(pid);
    } else if (pid != 0) {
      signal_group(pid, SIGKILL);  // nobody wants it any more
    }
  });
  ++parent_->served_;
  parent_->last_used_ = Clock::now();
  parent_->send(build, std::move(descriptors));
  return {};
}

void Zygote::await_answer(std::uint64_t request, std::function<void(pid_t)> on_answer) {
  const auto timer = loop_.after(fork_patience_, [this, request] {
    log("zygote").error("zygote_unresponsive pid={} request={}", pid_, request);
    kill();
    is_told_to_end_ = false;  // not by whoever has to know why
  });
  requests_[request] = Request{std::move(on_answer), timer};
}

// Whoever waits for them is told that it is gone.
void Zygote::give_up_requests() {
  for (const auto& [number, request] : std::exchange(requests_, {})) {
    loop_.cancel(request.timer);
    request.on_answer(0);
  }
  if (!std::exchange(trying_, {}).empty()) listener_.arguments_tried(*this);
}

void Zygote::on_forked_for_stage(pid_t pid) {
  if (pid == 0) {
    parent_was_lost_ = true;
    set_ended(SIGKILL);
    return;
  }
  adopt_pid(pid);
  if (early_ready_) on_ready(*std::exchange(early_ready_, std::nullopt));
}

void Zygote::start_process(protocol::StartProcess start, std::vector<protocol::Fd> descriptors,
                           std::function<void(pid_t)> on_started) {
  last_used_ = Clock::now();
  ++served_;
  served_args_.insert(start.spec.args);
  if (!channel_ || channel_->closed() || !all_open(descriptors)) {
    loop_.defer([on_started = std::move(on_started)] { on_started(0); });
    return;
  }
  start.request = next_request_++;
  if (start.fork) {
    await_answer(start.request, std::move(on_started));
    send(start, std::move(descriptors));
  } else {
    hand_over(std::move(start), std::move(descriptors), std::move(on_started));
  }
}

// The process stops being a zygote: whoever asked takes over its pid.
void Zygote::hand_over(protocol::StartProcess start, std::vector<protocol::Fd> descriptors,
                       std::function<void(pid_t)> on_started) {
  state_ = State::retiring;
  handed_over_ = true;
  is_told_to_end_ = true;
  const auto pid = std::exchange(pid_, 0);
  processes_.forget(pid);
  send(start, std::move(descriptors));
  loop_.defer([this, alive = std::weak_ptr(alive_), pid, on_started = std::move(on_started)] {
    on_started(pid);
    if (!alive.expired()) end_when_sent();
  });
}

void Zygote::end_when_sent() {
  if (state_ == State::ended) return;
  if (!channel_ || channel_->closed() || !channel_->wants_write()) set_ended(0);
}

void Zygote::adopt_pid(pid_t pid) {
  pid_ = pid;
  processes_.expect(pid, [this](int wait_status) {
    // What it said before it ended is still to be read (stage_failed).
    pid_ = 0;
    if (channel_) on_events(POLLIN);
    if (state_ != State::ended) set_ended(wait_status);
  });
}

void Zygote::retire() {
  if (state_ == State::building) retire_wanted_ = true;
  if (state_ != State::ready && state_ != State::refused) return;
  state_ = State::retiring;
  is_told_to_end_ = true;
  if (holders_ == 0) send(protocol::Retire{});
}

void Zygote::release() {
  if (--holders_ > 0) return;
  if (state_ == State::retiring) send(protocol::Retire{});
  listener_.released(*this);
}

void Zygote::send(const protocol::Message& message, std::vector<protocol::Fd> descriptors) {
  if (!channel_ || channel_->closed()) return;
  channel_->send(message, std::move(descriptors));
  if (!channel_->closed()) {
    update_watch();
    return;
  }
  // The peer is alive and would wait for ever for what could not be sent.
  loop_.defer([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && channel_ && channel_->closed()) channel_lost();
  });
}

void Zygote::kill() {
  if (state_ == State::ended) return;
  is_told_to_end_ = true;
  if (pid_ != 0) {
    signal_group(pid_, SIGKILL);
  } else {
    close_channel();  // not forked yet: it ends by itself when it finds nobody there
    loop_.defer([this, alive = std::weak_ptr(alive_)] {
      if (alive.expired() || state_ == State::ended) return;
      if (pid_ != 0) {  // it was told in between
        signal_group(pid_, SIGKILL);
      } else {
        set_ended(SIGKILL);
      }
    });
  }
}

void Zygote::try_arguments(const Arguments& args) {
  const bool is_asked = std::any_of(trying_.begin(), trying_.end(),
                                    [&](const auto& each) { return each.second == args; });
  if (is_asked) return;
  protocol::TryArguments question;
  question.request = next_request_++;
  question.args = args;
  trying_[question.request] = args;
  await_answer(question.request, [](pid_t) {});
  send(question);
}

void Zygote::on_tried(protocol::ArgumentsTried answer) {
  const auto node = trying_.extract(answer.request);
  if (node.empty()) return;
  if (const auto request = requests_.extract(answer.request)) loop_.cancel(request.mapped().timer);
  log("zygote").debug("arguments_tried pid={} differences={} refusal={:?}", pid_,
                      answer.differences.size(), answer.refusal);
  if (tried_->size() >= remembered_arguments) tried_->clear();
  (*tried_)[node.mapped()] = std::make_shared<TriedArguments>(std::move(answer));
  listener_.arguments_tried(*this);
}

std::shared_ptr<TriedArguments> Zygote::tried(const Arguments& args) const {
  if (args == built_for_.args) return own_tried_;
  const auto it = tried_->find(args);
  return it == tried_->end() ? nullptr : it->second;
}

Zygote& Zygote::parsed_by() {
  return parent_ && parent_->key_.stage >= protocol::Stage::configured ? parent_->parsed_by()
                                                                       : *this;
}

std::optional<protocol::Cause> Zygote::differing_option(const TriedArguments& tried) const {
  if (!own_tried_) return std::nullopt;  // an interpreter
  if (auto found = own_tried_->first_difference(ready_.options, tried)) return found;
  for (const Zygote* below = parent_; below; below = below->parent_) {
    if (auto found = own_tried_->first_difference(below->ready_.options, tried)) return found;
  }
  return std::nullopt;
}

Command Zygote::command() const {
  return {key_, key_.stage < protocol::Stage::configured ? Arguments{} : built_for_.args};
}

Trace Zygote::whole_trace() const {
  Trace whole = parent_ ? parent_->whole_trace() : Trace{};
  whole.add(trace_);
  return whole;
}

std::vector<protocol::EnvironmentRead> Zygote::whole_reads() const {
  auto all = parent_ ? parent_->whole_reads() : std::vector<protocol::EnvironmentRead>{};
  all.insert(all.end(), ready_.environment.begin(), ready_.environment.end());
  return all;
}

std::size_t Zygote::files() const { return trace_.size() + (parent_ ? parent_->files() : 0); }

bool Zygote::is_built_for(const ProcessRequest& request) const {
  return has_environment_of(request) && identity_ == request.identity;
}

std::optional<protocol::Cause> Zygote::differing_variable(const ProcessRequest& request) const {
  if (is_built_for(request)) return std::nullopt;  // from what served this request then
  if (parent_) {
    if (auto name = parent_->differing_variable(request)) return name;
  }
  return daemon::first_difference(ready_.environment, key_.stage, request);
}

const protocol::Finding* Zygote::serves_once_for() const {
  const auto& found = findings();
  const auto it = std::find_if(found.begin(), found.end(), [](const protocol::Finding& each) {
    return each.consequence == protocol::Consequence::serves_once;
  });
  if (it != found.end()) return &*it;
  return parent_ ? parent_->serves_once_for() : nullptr;
}

bool Zygote::has_changed_files() const {
  return changed_files_ || (parent_ && parent_->has_changed_files());
}

PlaceholderStreams::Printed Zygote::printed() {
  if (!parent_ || key_.flavour == protocol::Flavour::worker) return printed_;
  auto all = parent_->printed();
  all.to_stdout += printed_.to_stdout;
  all.to_stderr += printed_.to_stderr;
  return all;
}

void Zygote::on_events(short events) {
  if (events & POLLOUT) channel_->on_writable();
  // All of them, also when one of them brings about the end: a child's status comes only once.
  for (auto& received : channel_->on_readable()) on_message(std::move(received.message));
  if (!channel_) return;
  update_watch();
  if (channel_->closed()) {
    channel_lost();
  } else if (handed_over_) {
    end_when_sent();
  }
}

void Zygote::on_message(protocol::Message message) {
  if (auto* ready = std::get_if<protocol::StageReady>(&message)) {
    on_ready(std::move(*ready));
  } else if (const auto* failed = std::get_if<protocol::StageFailed>(&message)) {
    failure_ = failed->message;
    plain_fails_too_ = failed->plain_fails_too;
  } else if (auto* rejected = std::get_if<protocol::PreloadRejected>(&message)) {
    preload_rejected_ = std::move(*rejected);
  } else if (auto* collecting = std::get_if<protocol::Collecting>(&message)) {
    collecting_ = std::move(collecting->file);
  } else if (const auto* forked = std::get_if<protocol::Forked>(&message)) {
    on_forked(*forked);
  } else if (auto* tried = std::get_if<protocol::ArgumentsTried>(&message)) {
    on_tried(std::move(*tried));
  } else if (const auto* imports = std::get_if<protocol::ImportsObserved>(&message)) {
    listener_.imports_observed(*this, *imports);
  } else if (const auto* exited = std::get_if<protocol::ChildExited>(&message)) {
    processes_.exited(static_cast<pid_t>(exited->pid), static_cast<int>(exited->wait_status));
  } else {
    log("zygote").warn("unexpected_message pid={} name={}", pid_, protocol::name_of(message));
  }
}

void Zygote::on_ready(protocol::StageReady ready) {
  if (state_ != State::building) return;
  if (pid_ == 0) {  // its parent's answer travels on another channel
    early_ready_ = std::move(ready);
    return;
  }
  ready_ = std::move(ready);
  key_.stage = ready_.stage;
  if (!own_tried_ && key_.stage >= protocol::Stage::configured)
    own_tried_ = std::make_shared<TriedArguments>(ready_.distributed);
  changed_files_ = has_changed(ready_);
  trace_.add(std::exchange(ready_.files, {}));
  printed_ = streams_.printed();
  state_ = ready_.refusal.empty() ? State::ready : State::refused;
  has_paused_ = true;
  last_used_ = Clock::now();
  log("zygote").info(
      "stage_ready pid={} stage={} flavour={} files={} ms={} refusal={:?}", pid_,
      to_string(key_.stage), to_string(key_.flavour), trace_.size(),
      std::chrono::duration_cast<std::chrono::milliseconds>(last_used_ - build_started_).count(),
      ready_.refusal);
  for (const auto& each : ready_.findings) {
    log("zygote").info("finding pid={} stage={} kind={} what={:?} at={}:{} consequence={}", pid_,
                       to_string(key_.stage), each.kind, each.what, each.file, each.line,
                       to_string(each.consequence));
  }
  listener_.stage_reached(*this);
}

void Zygote::on_forked(const protocol::Forked& forked) {
  auto node = requests_.extract(forked.request);
  if (node.empty()) return;
  loop_.cancel(node.mapped().timer);
  node.mapped().on_answer(static_cast<pid_t>(forked.pid));
}

// Also when nobody has read yet that its channel is closed.
bool Zygote::has_hung_up() const {
  if (!is_reachable()) return true;
  pollfd channel{channel_->fd(), 0, 0};
  return poll(&channel, 1, 0) > 0;
}

void Zygote::channel_lost() {
  if (!channel_->error().empty())
    log("zygote").warn("channel_failed pid={} error={}", pid_, channel_->error());
  close_channel();
  // Nobody may be sent there any more, though the process is not known to be gone yet.
  if (state_ == State::ready || state_ == State::refused) state_ = State::retiring;
  give_up_requests();
  if (handed_over_) end_when_sent();
  if (state_ == State::ended || pid_ == 0) return;
  lost_timer_ = loop_.after(reaping_patience, [this] {
    if (state_ == State::ended) return;
    if (pid_ != 0) signal_group(pid_, SIGKILL);
    lost_timer_ = loop_.after(reaping_patience, [this] {
      if (state_ != State::ended) set_ended(SIGKILL);
    });
  });
}

void Zygote::set_ended(int wait_status) {
  // A stage that did not pause: what it printed until its end is what a run would have printed.
  if (state_ == State::building) printed_ = streams_.printed();
  // Forks die with their zygote, whose channel has closed before.
  if (wait_status == SIGKILL && parent_ && parent_->has_hung_up()) parent_was_lost_ = true;
  state_ = State::ended;
  wait_status_ = wait_status;
  loop_.cancel(lost_timer_);
  if (pid_ != 0) processes_.forget(std::exchange(pid_, 0));
  close_channel();
  give_up_requests();
  listener_.process_ended(*this);
}

void Zygote::update_watch() {
  if (channel_ && !channel_->closed()) {
    loop_.change_events(channel_->fd(),
                        static_cast<short>(POLLIN | (channel_->wants_write() ? POLLOUT : 0)));
  }
}

void Zygote::close_channel() {
  if (!channel_) return;
  loop_.unwatch(channel_->fd());
  channel_.reset();
}

}  // namespace hearth::daemon
