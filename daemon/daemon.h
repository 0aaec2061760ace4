// The daemon: one loop, one pool of zygotes, one scheduler, the runs in progress.
//
// starting --open()--> serving --stop_requested, or its lock is lost--> ending (runs killed,
// zygotes ended, children reaped) --> run() returns
#pragma once

#include <memory>
#include <string>

#include "daemon/client_gateway.h"
#include "daemon/command_run.h"
#include "daemon/housekeeper.h"
#include "daemon/preparer.h"
#include "daemon/session_run.h"

namespace hearth::daemon {

struct Settings {
  protocol::Endpoints endpoints;
  std::string zygote_program;     // the Python file that an interpreter zygote runs
  std::string log_file;           // for status
  std::string history_directory;  // what runs imported
  std::uint32_t slots = 1;        // machine-wide
  std::size_t max_zygotes = 32;   // kept at once
  Housekeeper::Limits limits;
  StageAge age;
  bool rebuilds = true;  // stale stages, before the next run
  bool verify = true;    // false: see HEARTH_TEST_SKIP_VERIFICATION in README.md
};

class Daemon : private ClientGateway::Listener, private RunListener, private Ancestry {
 public:
  // `lock` is the daemon's own. When somebody removes the runtime directory, no client finds this
  // daemon any more and another may be started in its place: it ends.
  Daemon(Settings settings, const protocol::FileLock& lock);
  ~Daemon() override;

  // Binds the sockets; from then on clients can connect. An error text, or empty. The caller has
  // blocked the signals that `signals` (a signalfd) reports before any thread was started.
  [[nodiscard]] std::string open(protocol::Fd signals);
  void run();  // until it is told to stop; nothing that it started is alive afterwards

 private:
  struct Entry {
    std::unique_ptr<Run> run;
    ClientGateway::ClientId client;
    std::uint64_t connection = 0;
  };

  void client_said(const ClientGateway::ClientId& client, protocol::Message message,
                   std::optional<ClientGateway::Attachment> attachment) override;
  bool commands_opened(std::uint64_t connection, pid_t client,
                       protocol::OpenCommands message) override;
  bool command_ordered(std::uint64_t connection, protocol::Received received) override;
  void client_gone(std::uint64_t connection) override;
  void send_to_client(scheduler::RunId run, const protocol::Message& message) override;
  void send_beside_streams(scheduler::RunId run, const protocol::Message& message) override;
  void run_ended(scheduler::RunId run) override;
  bool is_inside_a_run(pid_t client) const override;

  template <typename RunType, typename... Arguments>
  void submit(const ClientGateway::ClientId& client, ClientGateway::Attachment attachment,
              const protocol::ProcessSpec& spec, Arguments... arguments);
  Services services_for(pid_t client);
  void began(scheduler::RunId id, Entry entry);
  void pass_on(const ClientGateway::ClientId& client, const protocol::Message& message);
  Entry* find_run_of(const ClientGateway::ClientId& client);
  void on_signals();
  void reap();
  void look_at_lock();
  void begin_ending(const std::string& reason);
  void continue_ending();
  protocol::Status status() const;
  protocol::Diagnosis diagnosis(const std::string& directory);

  Settings settings_;
  const protocol::FileLock& lock_;
  EventLoop loop_;
  ProcessTable processes_;
  Dispatcher dispatcher_;
  ZygotePool pool_;
  NativePool native_pool_;
  Preparer preparer_;
  Housekeeper housekeeper_;
  zmq::context_t context_{1};
  ClientGateway gateway_;
  protocol::Fd signals_;
  std::map<scheduler::RunId, Entry> runs_;
  std::map<std::uint64_t, CommandRun*> command_runs_;  // of runs_, by connection
  std::uint64_t next_run_ = 1;
  std::uint64_t runs_finished_ = 0;
  Clock::time_point started_ = Clock::now();
  Clock::time_point ending_since_{};
  bool ending_ = false;
};

}  // namespace hearth::daemon
