// Why something could not be had from the daemon.
#pragma once

#include <string>

namespace hearth::client {

enum class FailureKind {
  no_daemon,  // none is running
  refused,    // it answered, and said no
  lost,       // it was there and has gone
  timed_out,  // it did not answer within the deadline
  trouble,    // anything else: the system, the installation, the directory
};

// The message is one lowercase line for the user: what happened, to what, and what to do about it.
struct Failure {
  FailureKind kind = FailureKind::trouble;
  std::string message;
};

}  // namespace hearth::client
