// Plays the daemon for the tests of the clients: one process, real sockets, and a part that
// HEARTH_FAKE names.
//
//   serve (or unset)  a good daemon whose "sessions" do what their first argument says (see
//   play_session) error             tells its starter why it cannot start die               ends
//   without a word to its starter old               speaks another version of the protocol
//   featureless       knows no feature
//   refuse            answers hello with refused
//
// It writes one line to $HEARTH_FAKE_JOURNAL for each start, so that tests can count daemons.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <zmq.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "protocol/channel.h"
#include "protocol/codec.h"
#include "protocol/endpoints.h"
#include "protocol/unix_socket.h"

namespace {

using namespace hearth::protocol;

std::string part() {
  const char* value = std::getenv("HEARTH_FAKE");
  return value == nullptr ? "serve" : value;
}

[[noreturn]] void die(const std::string& why) {
  const std::string line = "fake_hearthd: " + why + "\n";
  [[maybe_unused]] const ssize_t written = write(2, line.data(), line.size());
  _exit(1);
}

void write_all(int fd, const std::string& text) {
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) die("cannot write");
}

struct Client {
  explicit Client(Fd socket) : channel(std::move(socket)) {}
  Channel channel;
};

class FakeDaemon {
 public:
  explicit FakeDaemon(const Endpoints& endpoints) {
    unlink(endpoints.streams().c_str());
    auto listener = listen_unix(endpoints.streams());
    if (!listener) die("cannot listen: " + listener.error().message());
    listener_ = std::move(*listener);
    router_ = zmq_socket(context_, ZMQ_ROUTER);
    if (zmq_bind(router_, endpoints.clients().c_str()) != 0) die(zmq_strerror(zmq_errno()));
  }

  void serve() {
    while (!stopped_) {
      std::vector<zmq_pollitem_t> items{{router_, 0, ZMQ_POLLIN, 0},
                                        {nullptr, listener_.get(), ZMQ_POLLIN, 0}};
      for (const auto& [fd, client] : clients_) items.push_back({nullptr, fd, ZMQ_POLLIN, 0});
      zmq_poll(items.data(), static_cast<int>(items.size()), -1);
      for (std::size_t i = 2; i < items.size(); ++i) {
        if (items[i].revents != 0) read_streams(items[i].fd);
      }
      if (items[1].revents != 0) {
        if (auto socket = accept_unix(listener_)) {
          const int fd = socket->get();
          clients_.emplace(fd, std::move(*socket));
        }
      }
      if (items[0].revents != 0) read_message();
      start_runs();
    }
    zmq_close(router_);
    zmq_ctx_term(context_);  // what was sent still goes out
  }

 private:
  struct Pending {
    std::string peer;
    SubmitRun submit;
  };

  void read_streams(int fd) {
    const auto client = clients_.find(fd);
    for (Received& received : client->second.channel.on_readable()) {
      if (const auto* streams = std::get_if<Streams>(&received.message)) {
        std::vector<Fd> all(3);
        std::size_t next = 0;
        for (std::size_t i = 0; i < 3; ++i) {
          if (streams->open.at(i)) all[i] = std::move(received.descriptors.at(next++));
        }
        streams_.emplace(streams->ticket, std::move(all));
        last_ = &client->second.channel;
      }
    }
    if (!client->second.channel.closed()) return;
    if (last_ == &client->second.channel) last_ = nullptr;
    clients_.erase(client);
  }

  void read_message() {
    std::string frames[2];
    for (std::string& frame : frames) {
      zmq_msg_t message;
      zmq_msg_init(&message);
      zmq_msg_recv(&message, router_, 0);
      frame.assign(static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
      zmq_msg_close(&message);
    }
    auto message = decode(frames[1]);
    if (!message) die(message.error().message);
    answer(frames[0], *message);
  }

  void send(const std::string& peer, const Message& message) {
    const std::string bytes = encode(message);
    zmq_send(router_, peer.data(), peer.size(), ZMQ_SNDMORE);
    zmq_send(router_, bytes.data(), bytes.size(), 0);
  }

  void answer(const std::string& peer, const Message& message) {
    if (std::holds_alternative<Hello>(message)) {
      if (part() == "refuse") return send(peer, Refused{"it cannot serve you: update hearth"});
      Welcome welcome{
          .protocol = protocol_version, .features = {"pytest"}, .version = "7.7", .pid = pid()};
      if (part() == "old") welcome.protocol = 99;
      if (part() == "featureless") welcome.features.clear();
      send(peer, welcome);
    } else if (const auto* submit = std::get_if<SubmitRun>(&message)) {
      pending_.push_back({peer, *submit});
    } else if (const auto* signal = std::get_if<SignalRun>(&message)) {
      send(peer, RunFinished{.run = signal->run, .wait_status = static_cast<int>(signal->signal)});
    } else if (std::holds_alternative<GetStatus>(message)) {
      Status status;
      status.version = "7.7";
      status.pid = pid();
      send(peer, status);
    } else if (std::holds_alternative<Stop>(message)) {
      send(peer, Stopping{.pid = pid()});
      stopped_ = true;
    }
  }

  // A run needs what came by ZeroMQ and what came by the streams socket, in either order.
  void start_runs() {
    for (std::size_t i = 0; i < pending_.size();) {
      const auto streams = streams_.find(pending_[i].submit.ticket);
      if (streams == streams_.end()) {
        ++i;
        continue;
      }
      const Pending run = std::move(pending_[i]);
      pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
      // The session's own copy; a session that waits has said all that it will say.
      const std::vector<Fd> own = std::move(streams->second);
      streams_.erase(streams);
      play_session(run, own);
    }
  }

  void play_session(const Pending& run, const std::vector<Fd>& streams) {
    const ProcessSpec& spec = run.submit.spec;
    const std::string what = spec.args.empty() ? "" : spec.args[0];
    const std::uint64_t number = ++runs_;
    if (what == "fail-early")
      return send(run.peer, RunFailed{.run = 0,
                                      .message = "no such luck",
                                      .may_have_begun = false,
                                      .plain_fails_too = false});
    send(run.peer, RunAccepted{.run = number});
    const auto finish = [&](int wait_status) {
      send(run.peer, RunFinished{.run = number, .wait_status = wait_status});
    };
    if (what == "exit") {
      finish(std::stoi(spec.args.at(1)) << 8);
    } else if (what == "signal") {
      finish(std::stoi(spec.args.at(1)));
    } else if (what == "print") {
      RunFinished finished;
      finished.run = number;
      finished.printed_stdout = "printed before the end\n";
      finished.printed_stderr = "and in vain\n";
      send(run.peer, finished);
    } else if (what == "fail") {
      send(run.peer, RunFailed{.run = number,
                               .message = "the zygote fell over",
                               .may_have_begun = true,
                               .plain_fails_too = false});
    } else if (what == "vanish") {
      last_->send(SessionStarting{.run = number});
      _exit(9);
    } else if (what == "vanish-early") {
      _exit(9);
    } else if (what == "hopeless") {
      send(run.peer, RunFailed{.run = number,
                               .message = "there is no pytest",
                               .may_have_begun = false,
                               .plain_fails_too = true});
    } else if (what == "echo") {
      echo(spec, streams);
      finish(0);
    } else if (what == "wait-for-signal") {
      write_all(streams[1].get(), "waiting\n");  // answered by signal_run
    } else {
      die("asked for " + what);
    }
  }

  // Everything that arrived, on the client's own standard output; what is readable on its standard
  // input, too.
  static void echo(const ProcessSpec& spec, const std::vector<Fd>& streams) {
    std::string text = "python=" + spec.python + "\nscript=" + spec.script +
                       "\ndirectory=" + spec.directory + "\numask=" + std::to_string(spec.umask) +
                       "\n";
    for (const std::string& argument : spec.args) text += "arg=" + argument + "\n";
    for (const std::string& entry : spec.environment) text += "env=" + entry + "\n";
    for (std::size_t i = 0; i < 3; ++i)
      text += "stream" + std::to_string(i) + (streams[i] ? "=open\n" : "=closed\n");
    if (streams[0]) {
      char input[256];
      const ssize_t size = read(streams[0].get(), input, sizeof input);
      text += "stdin=" + std::string(input, size > 0 ? static_cast<std::size_t>(size) : 0) + "\n";
    }
    if (streams[1]) write_all(streams[1].get(), text);
    if (streams[2]) write_all(streams[2].get(), "to stderr\n");
  }

  static std::uint64_t pid() { return static_cast<std::uint64_t>(getpid()); }

  void* context_ = zmq_ctx_new();
  void* router_ = nullptr;
  Fd listener_;
  std::map<int, Client> clients_;
  std::map<std::string, std::vector<Fd>> streams_;  // by ticket
  std::vector<Pending> pending_;
  Channel* last_ = nullptr;  // that streams came from
  std::uint64_t runs_ = 0;
  bool stopped_ = false;
};

void write_journal() {
  const char* journal = std::getenv("HEARTH_FAKE_JOURNAL");
  if (journal == nullptr) return;
  std::string entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries += std::string(" ") + *entry;
  char directory[4096] = "";
  if (getcwd(directory, sizeof directory) == nullptr) die("no directory");
  std::string line =
      "pid=" + std::to_string(getpid()) + " sid=" + std::to_string(getsid(0)) + " cwd=" + directory;
  line += " fds=";
  for (int fd = 0; fd < 256; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) line += std::to_string(fd) + ",";
  }
  const Fd file(open(journal, O_WRONLY | O_APPEND | O_CREAT, 0600));
  write_all(file.get(), line + entries + "\n");
}

}  // namespace

int main(int count, char** words) {
  signal(SIGPIPE, SIG_IGN);
  write_journal();
  int ready = -1;
  if (count == 3 && std::strcmp(words[1], "--ready-fd") == 0) ready = std::atoi(words[2]);
  if (part() == "die") return 1;
  if (part() == "error") {
    write_all(ready, "error: the moon is full\n");
    return 1;
  }
  const auto endpoints = prepare_endpoints();
  if (!endpoints) die(endpoints.error());
  FakeDaemon daemon(*endpoints);
  if (ready >= 0) {
    write_all(ready, "ready\n");
    close(ready);
  }
  daemon.serve();
}
