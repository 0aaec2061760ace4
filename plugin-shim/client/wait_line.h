// The line on the terminal that says what a run waits for, and since when, as long as it has not
// begun.
//
// Only where it can be taken off again: standard output and standard error are terminals that know
// how ($TERM), and this process is in the foreground. Never longer than the terminal is wide.
#pragma once

#include <cstddef>
#include <string>

#include "protocol/messages.gen.h"

namespace hearth::client {

class WaitLine {
 public:
  WaitLine();
  ~WaitLine() { erase(); }
  WaitLine(const WaitLine&) = delete;
  WaitLine& operator=(const WaitLine&) = delete;

  bool is_possible() const { return is_possible_; }

  void show(const protocol::RunWaits& waits);
  void erase();  // nothing is left of it

 private:
  bool is_possible_;
  bool is_shown_ = false;
};

// Without the end that does not fit into so many columns.
std::string wait_text(const protocol::RunWaits& waits, std::size_t columns);

}  // namespace hearth::client
