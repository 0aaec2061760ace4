// The seam between what `hearth ctest` decides and who executes a test's command: a child of this
// process (LocalExecutor), or a fork of a warm process that the daemon holds.
//
// One command is told by its number, which is used once: a test that is repeated gets another one.
// Nothing here waits. A caller polls fd() and then takes what has ended; each command that was
// started ends exactly once, as `exited` or as `not_started`, also after kill().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hearth::ctest {

struct Command {
  std::vector<std::string> argv;  // argv[0]: what is executed, a path
  std::string directory;          // absolute
  // All of it, as NAME=value; none: that of this process as it is at the start.
  std::optional<std::vector<std::string>> environment;
  // The only ones that it may run on; empty: those of this process.
  std::vector<unsigned> processors;
  // It is not expected to be executed again soon.
  bool is_once = false;
  // One descriptor for what it writes to its standard output and error, in their order. The
  // caller's; may be closed when start() has returned. Standard input is this process's own.
  int output = -1;
};

using CommandNumber = std::uint64_t;

// Ignored by a test's command when this process ignores them: ctest (libuv) sets the first 31
// signals to their defaults and no others. Bit number N-1 for signal N.
constexpr std::uint64_t kSignalsLeftAlone = ~std::uint64_t{0x7fffffff};

struct Exited {
  CommandNumber number = 0;
  int wait_status = 0;  // raw, as waitpid(2) tells it
  // From its begin to its end, where somebody knows it who was nearer to both.
  std::optional<std::chrono::microseconds> elapsed = std::nullopt;
};

// It was not executed, and will not be.
struct NotStarted {
  CommandNumber number = 0;
  std::string reason;  // as ctest says it: strerror of what exec, chdir or fork failed with
};

using CommandEnded = std::variant<Exited, NotStarted>;

class Executor {
 public:
  Executor() = default;
  virtual ~Executor() = default;  // kills what still runs, and reaps it
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // A run uses so many slots, and could use so many more now: how many of these it may. To be asked
  // before each start, and when it needs fewer; when there are more, fd() becomes readable.
  virtual std::size_t slots_for(std::size_t /*used*/, std::size_t more) { return more; }

  // The process gets what one gets from ctest: signals at their defaults and none blocked, no
  // descriptor but 0, 1 and 2, this process's group, limits and umask.
  virtual void start(CommandNumber number, const Command& command) = 0;

  // While all slots are in use: one more command, which is to begin by itself as soon as one of
  // those ends that run now, and after those that were ordered so before. Whether it will; when its
  // turn has come, take_turn() is to be called, if it has not ended by then.
  virtual bool order_ahead(CommandNumber /*number*/, const Command& /*command*/) { return false; }

  // Of one that was ordered ahead, in the order in which they were. False: it has not begun and
  // will not, and is to be started like any other.
  virtual bool take_turn(CommandNumber /*number*/) { return false; }
  // How many have begun whose turn was not taken yet.
  virtual std::size_t begun_ahead() const { return 0; }
  // None of those that were ordered ahead begins after this. It may wait, but not long.
  virtual void end_ahead() {}

  // To its process alone. Nothing happens when it has ended.
  virtual void signal(CommandNumber number, int signal) = 0;
  // Its process and all descendants of it, as ctest does at a timeout: stopped first, so that none
  // gets away, and then killed.
  virtual void kill(CommandNumber number) = 0;

  // Readable when take_ended() may have something. Several executors may each have one.
  virtual int fd() const = 0;
  // What has ended since it was asked last, in the order in which it ended.
  virtual std::vector<CommandEnded> take_ended() = 0;
};

}  // namespace hearth::ctest
