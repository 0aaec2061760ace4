// A process that tells at its end what it has looked at: the one that has $HEARTH_LOOKS, the number
// of a descriptor, and after a colon its program. Another program that has inherited the variable
// (a script's interpreter) tells nothing, nor does a process that ends without its destructors, or
// that has had a child, whose looks are not known.
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

#include "plugin-shim/preload/gate.h"
#include "plugin-shim/preload/main_audit.h"
#include "plugin-shim/preload/own_variable.h"
#include "plugin-shim/preload/this_program.h"
#include "protocol/frame.h"
#include "protocol/write_all.h"

namespace hearth::zygote {
namespace {

using recorder::Passage;

int listener = -1;
pid_t teller = 0;

__attribute__((constructor)) void prepare_to_tell() {
  const Passage passage{Passage::AsOwner{}};
  const std::string_view value = take_variable("HEARTH_LOOKS=");
  const auto colon = value.find(':');
  if (colon == std::string_view::npos) return;
  if (value.substr(colon + 1) != recorder::this_program()) return;
  std::from_chars(value.data(), value.data() + colon, listener);
  teller = getpid();
  Passage::record().leave_nothing_out();
}

__attribute__((destructor)) void tell() {
  if (listener < 0 || getpid() != teller || has_had_children()) return;
  recorder::is_open.store(false, std::memory_order_relaxed);
  const Passage passage{Passage::AsOwner{}};
  protocol::StageReady looks;
  looks.stage = protocol::Stage::main;
  looks.files = Passage::record().end_stage();
  std::string frame;
  if (protocol::append_frame(frame, looks)) protocol::write_all(listener, frame);
}

}  // namespace
}  // namespace hearth::zygote
