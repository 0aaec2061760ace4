// What is remembered of stages that are not there: which cannot be built or serve only once, and
// why those that served have ended.
//
// A bounded number of commands, the ones heard of last.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/zygote.h"

namespace hearth::daemon {

class StageMemory {
 public:
  // Why a stage of a command ended that has served, or could have.
  struct Ending {
    Command command;
    std::vector<protocol::EnvironmentRead> reads;
    protocol::Cause cause;
  };

  // A zygote has paused, or was refused. What was remembered of its like is forgotten.
  void reached(const Zygote& zygote);
  void ended(const Zygote& zygote, protocol::Cause cause);
  // Nothing can be built on this one: it is refused, or serves once where more has to follow.
  void refused(const Zygote& zygote);
  // Nothing that is imported ahead fits the command.
  void preload_does_not_fit(const Zygote& zygote, const std::string& reason);

  // Why not, while what was read for it is unchanged: the stage need not be tried again.
  const protocol::Cause* refusal(protocol::Stage stage, const ProcessRequest& request);
  // As far as is known from the last time.
  bool serves_one_process(protocol::Stage stage, const ProcessRequest& request) const;
  const protocol::Cause* serves_once(protocol::Stage stage, const ProcessRequest& request) const;
  const protocol::Cause* is_without_preloaded(const ProcessRequest& request) const;
  // What keeps stages of this project from being warm, each thing once.
  std::vector<protocol::Complaint> complaints(const std::string& directory);
  // The last one first.
  const std::deque<Ending>& endings() const { return endings_; }

 private:
  // The same is not tried again while what it read is unchanged.
  struct Refusal {
    Command command;
    std::vector<protocol::EnvironmentRead> reads;
    std::shared_ptr<Trace> trace;
    protocol::Cause cause;
  };
  // It counts while the file that is to blame is the same.
  struct Remark {
    Command command;
    protocol::Cause cause;
    std::optional<protocol::FileSignature> source;
  };

  std::deque<Ending> endings_;
  std::deque<Refusal> refusals_;
  std::deque<Remark> serving_once_;  // when they were built the last time
  std::deque<Remark> without_preloaded_;
  std::deque<Remark> misdeclared_;
};

// Why a zygote is not forked again, which it is not.
protocol::Cause cause_of_serving_once(const Zygote& zygote);

}  // namespace hearth::daemon
