// Which stages served the last runs, for `hearth why`.
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

  protocol::Explanation last_run(const std::string& directory) const;

 private:
  struct Run {
    std::string directory;
    std::vector<std::string> args;
    Clock::time_point began;
    std::vector<protocol::FlavourAccount> flavours;
  };

  std::deque<Run> runs_;  // the last one first
};

}  // namespace hearth::daemon
