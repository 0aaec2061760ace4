// Single keys from the terminal, while there is nothing else to do.
//
// Between begin() and end() standard input gives each key at once and shows none; then the terminal
// is as it was when the object was made, whatever a run has left. Where standard input is no
// terminal, or another job's, there are no keys.
#pragma once

#include <termios.h>

#include <optional>

namespace hearth::launcher {

class WatchKeys {
 public:
  WatchKeys();
  ~WatchKeys() { end(); }
  WatchKeys(const WatchKeys&) = delete;
  WatchKeys& operator=(const WatchKeys&) = delete;

  bool begin();  // whether there are any
  void end();

  int fd() const { return is_on_ ? 0 : -1; }
  // The next key; '\0': none; 'q' when the terminal has gone.
  char take();

 private:
  std::optional<termios> usual_;
  bool is_on_ = false;
};

}  // namespace hearth::launcher
