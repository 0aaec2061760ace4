// Which stages served the last runs, for `hearth why`, and which causes came again and again.
//
// One run for each directory, the last one; a bounded number of directories, the last used ones.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "daemon/event_loop.h"
#include "daemon/stage_key.h"

namespace hearth::daemon {

class Explanations {
 public:
  void run_began(const protocol::ProcessSpec& spec);

  // What it had. Of several workers the first counts.
  void add(const ProcessRequest& request, std::vector<protocol::StageAccount> stages);

  // A command of a run of commands: how it was served, or why it was not. Of those with the same
  // cause the first counts.
  void add_command(const protocol::ProcessSpec& spec, protocol::Cause cause);

  protocol::Explanation last_run(const std::string& directory) const;

  // Whether a run of the project is known.
  bool knows(const std::string& directory) const;
  // Variables, options and starts that differed in several of its runs.
  std::vector<protocol::Complaint> complaints(const std::string& directory) const;

 private:
  struct Run {
    std::string directory;
    std::vector<std::string> args;
    Clock::time_point began;
    std::vector<protocol::FlavourAccount> flavours;
  };

  struct Recurrence {
    std::string directory;
    protocol::Complaint complaint;  // with the last values
  };

  Run* find(const protocol::ProcessSpec& spec);
  void count(const std::string& directory, const std::vector<protocol::StageAccount>& stages);

  std::deque<Run> runs_;                // the last one first
  std::deque<Recurrence> recurrences_;  // likewise
};

}  // namespace hearth::daemon
