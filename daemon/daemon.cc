#include "daemon/daemon.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "daemon/log.h"
#include "daemon/plugin_run.h"
#include "daemon/version.h"
#include "protocol/process_tree.h"

namespace hearth::daemon {
namespace {

// From the request to stop: what is still there is killed after the first, and given up after the
// second.
constexpr auto kill_after = std::chrono::milliseconds(500);
constexpr auto give_up_after = std::chrono::seconds(5);
constexpr auto ending_interval = std::chrono::milliseconds(5);
constexpr auto lock_interval = std::chrono::seconds(2);

constexpr auto stopped = "hearthd was stopped while this ran; run it again";
constexpr auto removed =
    "hearthd ended while this ran, because its runtime directory was removed; run it again";

std::uint64_t milliseconds_since(Clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - time).count());
}

// No command that somebody typed has one; the functions of the C library would see half of it.
bool has_zero_byte(const protocol::ProcessSpec& spec) {
  const auto has = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  return has(spec.python) || has(spec.script) || has(spec.directory) ||
         std::any_of(spec.sys_path.begin(), spec.sys_path.end(), has) ||
         std::any_of(spec.args.begin(), spec.args.end(), has) ||
         std::any_of(spec.environment.begin(), spec.environment.end(), has);
}

// Python leaves out what has no name or no `=`, and so must whoever looks for variables in it.
protocol::ProcessSpec without_malformed_variables(protocol::ProcessSpec spec) {
  std::erase_if(spec.environment, [](const std::string& entry) {
    const auto sign = entry.find('=');
    return sign == 0 || sign == std::string::npos;
  });
  return spec;
}

// What is wrong with a command, for the user; empty when nothing is.
std::string complaint_about(const protocol::ProcessSpec& spec) {
  struct stat info {};
  if (has_zero_byte(spec)) return "a path, an argument or a variable has a zero byte in it";
  if (spec.umask > 0777) return "a umask is three octal digits";
  if (spec.python.empty() || spec.python.front() != '/' || access(spec.python.c_str(), X_OK) != 0) {
    return "there is no python to run at " + spec.python +
           "; set HEARTH_PYTHON to one that has pytest";
  }
  if (spec.directory.empty() || spec.directory.front() != '/' ||
      stat(spec.directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return "the directory " + spec.directory + " is gone; change to one that exists";
  }
  if (!spec.script.empty() &&
      (spec.script.front() != '/' || access(spec.script.c_str(), R_OK) != 0)) {
    return "the pytest script " + spec.script + " cannot be read; install pytest for " +
           spec.python;
  }
  return {};
}

// What was typed after `hearth`. Only runs of pytest have an interpreter, and no word for it.
std::vector<std::string> words_of(const protocol::ProcessSpec& spec) {
  auto words = spec.args;
  if (!spec.python.empty()) words.insert(words.begin(), "pytest");
  return words;
}

std::string complaint_about(const protocol::OpenCommands& opening) {
  if (opening.protocol != protocol::protocol_version)
    return "this hearthd is " + std::string(version) + ", the client is " + opening.version +
           "; run `hearth stop` and try again to start a daemon of your own version";
  if (has_zero_byte(opening.spec)) return "a path, an argument or a variable has a zero byte in it";
  if (opening.spec.umask > 0777) return "a umask is three octal digits";
  return opening.spec.directory.starts_with('/') ? "" : "a directory is an absolute path";
}

// Beside the Python side.
std::string zygote_library(const std::string& zygote_program) {
  return (std::filesystem::path(zygote_program).parent_path().parent_path() / "libhearth_zygote.so")
      .string();
}

}  // namespace

Daemon::Daemon(Settings settings, const protocol::FileLock& lock)
    : settings_(std::move(settings)),
      lock_(lock),
      processes_(loop_),
      dispatcher_(loop_, scheduler::Config{settings_.slots, std::chrono::milliseconds(100)}),
      pool_(loop_, processes_, settings_.zygote_program, settings_.max_zygotes, settings_.verify,
            settings_.age),
      native_pool_(loop_, processes_, zygote_library(settings_.zygote_program),
                   settings_.max_zygotes, settings_.verify),
      preparer_(loop_, pool_, ImportHistory(settings_.history_directory), settings_.rebuilds),
      housekeeper_(loop_, pool_, native_pool_, settings_.limits),
      gateway_(loop_, context_, static_cast<ClientGateway::Listener&>(*this)) {}

Daemon::~Daemon() = default;

std::string Daemon::open(protocol::Fd signals) {
  signals_ = std::move(signals);
  loop_.watch(signals_.get(), POLLIN, [this](short) { on_signals(); });
  look_at_lock();
  return gateway_.open(settings_.endpoints);
}

void Daemon::run() {
  log("daemon").info("serving pid={} version={} slots={} directory={}", getpid(), version,
                     settings_.slots, settings_.endpoints.directory.string());
  loop_.run();
  log("daemon").info("ended pid={} runs={} ms={}", getpid(), runs_finished_,
                     milliseconds_since(started_));
}

// ---- clients

template <typename RunType, typename... Arguments>
void Daemon::submit(const ClientGateway::ClientId& client, ClientGateway::Attachment attachment,
                    const protocol::ProcessSpec& spec, Arguments... arguments) {
  if (auto complaint = complaint_about(spec); !complaint.empty()) {
    gateway_.refuse(client, std::move(complaint));
    return;
  }
  if (find_run_of(client)) {
    gateway_.refuse(client, "this client has a run already; connect again for another");
    return;
  }
  const scheduler::RunId id{next_run_++};
  const Services services = services_for(attachment.client);
  Entry entry;
  entry.client = client;
  entry.connection = attachment.connection;
  entry.run = std::make_unique<RunType>(
      services, static_cast<RunListener&>(*this), id, without_malformed_variables(spec),
      std::move(attachment.streams), attachment.client, std::move(arguments)...);
  auto& run = *entry.run;
  began(id, std::move(entry));
  gateway_.send(client, protocol::RunAccepted{id.value});
  run.start();
}

void Daemon::began(scheduler::RunId id, Entry entry) {
  const auto& spec = entry.run->spec();
  preparer_.run_began();
  pool_.explanations().run_began(spec);
  log("daemon").info("run_submitted run={} directory={} arguments={}", id.value, spec.directory,
                     spec.args.size());
  gateway_.publish("run_submitted",
                   {{"run", std::to_string(id.value)}, {"directory", spec.directory}});
  runs_[id] = std::move(entry);
}

bool Daemon::commands_opened(std::uint64_t connection, pid_t client,
                             protocol::OpenCommands message) {
  auto complaint = ending_ ? "hearthd is stopping; try again" : complaint_about(message);
  if (!complaint.empty()) {
    gateway_.send_beside_streams(connection, protocol::Refused{std::move(complaint)});
    return false;
  }
  const scheduler::RunId id{next_run_++};
  const Services services = services_for(client);
  auto run = std::make_unique<CommandRun>(services, static_cast<RunListener&>(*this), id,
                                          std::move(message.spec), client, native_pool_);
  command_runs_[connection] = run.get();
  Entry entry;
  entry.connection = connection;
  entry.run = std::move(run);
  began(id, std::move(entry));
  gateway_.send_beside_streams(connection, protocol::CommandsOpened{id.value});
  return true;
}

Services Daemon::services_for(pid_t client) {
  return {loop_, processes_, pool_, dispatcher_, static_cast<Ancestry&>(*this), client};
}

// Whether it descends from a process of a run: a worker, a session, a fork of a native zygote, or
// what a client executes itself.
bool Daemon::is_inside_a_run(pid_t client) const {
  for (pid_t pid = protocol::parent_of(client); pid > 1; pid = protocol::parent_of(pid)) {
    if (processes_.is_expected(pid)) return true;
    for (const auto& [id, entry] : runs_) {
      if (entry.run->client() == pid) return true;
    }
  }
  return false;
}

bool Daemon::command_ordered(std::uint64_t connection, protocol::Received received) {
  const auto run = command_runs_.find(connection);
  return run != command_runs_.end() && run->second->received(std::move(received));
}

void Daemon::client_said(const ClientGateway::ClientId& client, protocol::Message message,
                         std::optional<ClientGateway::Attachment> attachment) {
  if (ending_) {
    gateway_.refuse(client, "hearthd is stopping; try again");
  } else if (const auto* run = std::get_if<protocol::SubmitRun>(&message)) {
    submit<SessionRun>(client, std::move(*attachment), run->spec, run->wants_trace,
                       run->wants_waits);
  } else if (const auto* distribution = std::get_if<protocol::SubmitDistribution>(&message)) {
    submit<PluginRun>(client, std::move(*attachment), distribution->spec,
                      distribution->distribution, distribution->shows_output);
  } else if (std::holds_alternative<protocol::GetStatus>(message)) {
    gateway_.send(client, status());
  } else if (const auto* why = std::get_if<protocol::GetExplanation>(&message)) {
    gateway_.send(client, pool_.explanations().last_run(why->directory));
  } else if (const auto* project = std::get_if<protocol::GetDiagnosis>(&message)) {
    gateway_.send(client, diagnosis(project->directory));
  } else if (std::holds_alternative<protocol::Stop>(message)) {
    gateway_.send(client, protocol::Stopping{static_cast<std::uint64_t>(getpid())});
    begin_ending(stopped);
  } else {
    pass_on(client, message);
  }
}

void Daemon::pass_on(const ClientGateway::ClientId& client, const protocol::Message& message) {
  const auto* signal = std::get_if<protocol::SignalRun>(&message);
  if (!signal && !std::holds_alternative<protocol::TerminalLeft>(message) &&
      !std::holds_alternative<protocol::BeginDistribution>(message) &&
      !std::holds_alternative<protocol::CancelDistribution>(message) &&
      !std::holds_alternative<protocol::WorkersConfigured>(message) &&
      !std::holds_alternative<protocol::LostItemJudged>(message) &&
      !std::holds_alternative<protocol::LendTerminal>(message) &&
      !std::holds_alternative<protocol::InterruptWorker>(message)) {
    gateway_.refuse(client, std::string(name_of(message)) + " is not for the daemon");
    return;
  }
  auto* entry = find_run_of(client);
  // None, or another: the message has crossed the end of its run. The client knows by now.
  if (!entry || (signal && signal->run != entry->run->id().value)) return;
  entry->run->message_received(message);
}

Daemon::Entry* Daemon::find_run_of(const ClientGateway::ClientId& client) {
  for (auto& [id, entry] : runs_) {
    if (!entry.client.empty() && entry.client == client) return &entry;
  }
  return nullptr;
}

void Daemon::client_gone(std::uint64_t connection) {
  for (auto& [id, entry] : runs_) {
    if (entry.connection != connection) continue;
    entry.run->client_gone();
    return;
  }
}

void Daemon::send_to_client(scheduler::RunId run, const protocol::Message& message) {
  if (const auto it = runs_.find(run); it != runs_.end()) gateway_.send(it->second.client, message);
}

void Daemon::send_beside_streams(scheduler::RunId run, const protocol::Message& message) {
  if (const auto it = runs_.find(run); it != runs_.end())
    gateway_.send_beside_streams(it->second.connection, message);
}

void Daemon::run_ended(scheduler::RunId run) {
  loop_.defer([this, run] {
    const auto it = runs_.find(run);
    if (it == runs_.end()) return;
    log("daemon").info("run_ended run={} ms={}", run.value,
                       milliseconds_since(it->second.run->submitted()));
    gateway_.publish("run_ended", {{"run", std::to_string(run.value)}});
    command_runs_.erase(it->second.connection);
    runs_.erase(it);
    ++runs_finished_;
    preparer_.run_ended();
  });
}

protocol::Status Daemon::status() const {
  protocol::Status status;
  status.version = version;
  status.pid = static_cast<std::uint64_t>(getpid());
  status.uptime_ms = milliseconds_since(started_);
  status.slots = dispatcher_.scheduler().slots();
  status.slots_busy = dispatcher_.scheduler().slots_busy();
  status.interpreters_started = pool_.interpreters_started();
  status.runs_finished = runs_finished_;
  status.log_file = settings_.log_file;
  status.zygotes = pool_.status();
  for (auto& each : native_pool_.status()) status.zygotes.push_back(std::move(each));
  for (const auto& [id, entry] : runs_) {
    protocol::RunStatus one;
    one.run = id.value;
    one.directory = entry.run->spec().directory;
    one.args = words_of(entry.run->spec());
    one.state = entry.run->state();
    if (const auto state = dispatcher_.scheduler().state(id)) {
      one.workers = state->workers;
      one.slots = state->slots;
      one.items = state->items;
      one.finished = state->finished;
    }
    one.age_ms = milliseconds_since(entry.run->submitted());
    status.runs.push_back(std::move(one));
  }
  return status;
}

protocol::Diagnosis Daemon::diagnosis(const std::string& directory) {
  protocol::Diagnosis diagnosis;
  diagnosis.found = pool_.explanations().knows(directory);
  for (auto complaints :
       {pool_.memory_of_stages().complaints(directory), preparer_.history().complaints(directory),
        pool_.explanations().complaints(directory), native_pool_.complaints(directory)}) {
    std::move(complaints.begin(), complaints.end(), std::back_inserter(diagnosis.complaints));
  }
  return diagnosis;
}

// ---- processes, and the end

void Daemon::on_signals() {
  while (const int number = read_signal(signals_)) {
    if (number == SIGCHLD) {
      reap();
    } else if (number != SIGHUP) {
      begin_ending(stopped);
    }
  }
}

void Daemon::reap() {
  for (const auto& child : reap_children()) processes_.exited(child.pid, child.wait_status);
}

// A rename of a directory above it is seen by no watch on the file: so it is looked at.
void Daemon::look_at_lock() {
  if (lock_.is_current()) {
    loop_.after(lock_interval, [this] { look_at_lock(); });
  } else {
    log("daemon").error("lock_lost directory={}", settings_.endpoints.directory.string());
    begin_ending(removed);
  }
}

void Daemon::begin_ending(const std::string& reason) {
  if (ending_) return;
  ending_ = true;
  ending_since_ = Clock::now();
  log("daemon").info("stop_requested runs={}", runs_.size());
  // Whoever comes now finds no daemon, and waits for the lock.
  if (lock_.is_current()) protocol::remove_sockets(settings_.endpoints);
  for (auto& [id, entry] : runs_) entry.run->kill(reason);
  pool_.kill_all();
  native_pool_.kill_all();
  continue_ending();
}

void Daemon::continue_ending() {
  reap();
  const auto left = descendants();
  const auto elapsed = Clock::now() - ending_since_;
  if ((left.empty() && runs_.empty()) || elapsed > give_up_after) {
    if (!left.empty()) log("daemon").error("processes_left count={}", left.size());
    loop_.stop();
    return;
  }
  if (elapsed > kill_after) {
    for (const auto pid : left) ::kill(pid, SIGKILL);
  }
  loop_.after(ending_interval, [this] { continue_ending(); });
}

}  // namespace hearth::daemon
