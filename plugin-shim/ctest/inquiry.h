// A question to ctest: a command that lists, and changes nothing; and what it said. Where it was
// asked the same before, and nothing that it looked at then has changed, it is not asked again.
//
// What it looks at is recorded as that of a zygote is (preload/, protocol/signature.h): its own
// program and libraries, scripts, tests' programs, and what it looked for in vain. The same
// question: the same words, directory and environment. An answer is remembered if ctest had nothing
// to complain of, and all scripts that it read are declarative; in $HEARTH_STATE_DIR/listings,
// where the oldest ones give way. A ctest that cannot be watched (a script that calls it, a static
// program, a LD_PRELOAD of the user's own) is asked each time.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "plugin-shim/ctest/captured_process.h"
#include "protocol/fd.h"
#include "protocol/messages.gen.h"

namespace hearth::ctest {

class Inquiry {
 public:
  // `argv[0]` is a path. Looks whether the answer is known.
  explicit Inquiry(std::vector<std::string> argv);

  bool is_answered() const { return remembered_.has_value(); }
  // Starts ctest, unless it is answered. The error is a system's text.
  tl::expected<void, std::string> begin();
  // Until ctest has answered; once.
  Captured wait();

 private:
  void remember(const Captured& captured) const;

  std::vector<std::string> argv_;
  std::string library_;                     // by which ctest is watched; empty: it is not
  std::string file_;                        // of the answer; empty: it is not to be remembered
  std::optional<std::string> remembered_;   // what ctest would write to its standard output
  std::optional<CapturedProcess> process_;  // otherwise
  protocol::FileSignature program_;         // before it was started
  protocol::Fd looks_;                      // where it tells what it looked at
};

}  // namespace hearth::ctest
