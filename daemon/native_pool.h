// All native zygotes of the machine, and how a command gets a fork of one.
//
// A command is a fork of a zygote that is equal in all that it could have looked at before main
// (NativeKey) and whose trace holds when the fork is asked for. If there is none it is built, and
// the commands that want it wait. A program that cannot be forked is remembered, as long as the
// files are unchanged that it was judged by, and its commands are refused: their clients execute
// them.
//
// A further zygote of a program, for other surroundings, is built when these are seen for the
// second time: a test may have surroundings of its own, once.
//
// One that nobody has used for `idle` ends: the file of a program that runs cannot be overwritten
// in place (ETXTBSY), and a build that copies its programs does that. To build one again costs one
// start of the program.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/native_zygote.h"
#include "daemon/program_file.h"

namespace hearth::daemon {

class NativePool : private NativeZygote::Listener {
 public:
  enum class JobId : std::uint64_t {};
  // `number` in them is the job's.
  using Answer =
      std::variant<protocol::CommandRefused, protocol::CommandExited, protocol::CommandWithdrawn>;
  struct Job {
    NativeKey key;
    std::vector<std::string> argv;
    std::vector<std::uint64_t> numbers;  // as in fork_command
    std::vector<protocol::Fd> descriptors;
    // Ordered ahead: begins when no more than `beside` of those are left, but only if none of them
    // is known to have ended, and all are forks of the zygote that it would be a fork of. (Else it
    // is withdrawn.)
    std::vector<JobId> behind;
    std::uint64_t beside = 0;
    std::function<void(const Answer&)> answer;  // once, from the loop, never within start()
  };

  // `library`: what is preloaded. `limit`: zygotes kept, beyond it the least recently used go.
  NativePool(EventLoop& loop, ProcessTable& processes, std::string library, std::size_t limit,
             bool verify, Clock::duration patience = std::chrono::seconds(60),
             Clock::duration idle = std::chrono::minutes(1));
  ~NativePool() override;
  NativePool(const NativePool&) = delete;
  NativePool& operator=(const NativePool&) = delete;

  JobId start(Job job);
  // One that was ordered ahead and has not begun is not wanted for now.
  void withdraw(JobId job);
  // One that waits for its zygote counts as killed by a signal that would have killed it.
  void signal(JobId job, int signal, bool whole_tree);
  // Nobody wants to hear of it any more: it is killed.
  void abandon(JobId job);

  // Whose files are other ones by now, or gone: they keep directories and deleted files in use.
  void retire_stale();
  // See ZygotePool.
  bool retire_least_recently_used(Clock::time_point used_before);
  std::uint64_t memory() const;
  void kill_all();
  std::vector<protocol::ZygoteStatus> status() const;

  // Of programs in that directory, or of commands from there: why they cannot be forked.
  std::vector<protocol::Complaint> complaints(const std::string& directory);

 private:
  struct Entry {
    Job job;
    NativeZygote* zygote = nullptr;
    bool is_forked = false;
    bool is_second_try = false;
  };
  struct Refusal {
    NativeKey key;
    std::shared_ptr<Trace> trace;
    protocol::Finding finding;
  };

  void main_reached(NativeZygote& zygote) override;
  void command_refused(NativeZygote& zygote, const protocol::CommandRefused& refused) override;
  void command_exited(NativeZygote& zygote, const protocol::CommandExited& exited) override;
  void command_withdrawn(NativeZygote& zygote,
                         const protocol::CommandWithdrawn& withdrawn) override;
  void process_ended(NativeZygote& zygote) override;

  void advance(std::uint64_t id);
  void order_ahead(std::uint64_t id);
  bool has_to_wait(const Entry& entry) const;
  NativeZygote* usable_zygote(const NativeKey& key);
  NativeZygote* build(const NativeKey& key, std::string& refusal);
  const Refusal* refusal_of(const NativeKey& key);
  void remember(const NativeKey& key, std::shared_ptr<Trace> trace, protocol::Finding finding);
  bool is_first_variant(const NativeKey& key);
  void fork(Entry& entry, std::uint64_t id, NativeZygote& zygote);
  void refuse(std::uint64_t id, const std::string& reason);
  void answer(std::uint64_t id, Answer answer);
  void try_again(const NativeZygote& zygote, const std::string& reason);
  std::vector<std::uint64_t> waiting_for(const NativeZygote& zygote) const;
  void refuse_waiting(const NativeZygote& zygote, const std::string& reason);
  void enforce_limit();
  void watch_for_idle_ones();
  void drop_ended();

  EventLoop& loop_;
  ProcessTable& processes_;
  std::string library_;
  std::size_t limit_;
  bool verify_;
  Clock::duration patience_;
  Clock::duration idle_;
  EventLoop::TimerId idle_timer_{};  // while a zygote is ready
  std::vector<std::unique_ptr<NativeZygote>> zygotes_;
  std::map<std::uint64_t, Entry> jobs_;
  std::deque<Refusal> refusals_;
  std::deque<NativeKey> seen_once_;
  std::uint64_t next_job_ = 1;
  bool ending_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::daemon
