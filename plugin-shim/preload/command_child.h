// What makes a zygote's process what a command of its user would be.
#pragma once

#include <sys/types.h>

#include <vector>

#include "protocol/channel.h"
#include "protocol/messages.gen.h"

namespace hearth::zygote {

// In the zygote, before any code of its program: priorities, processors, limits, signals, as a
// process inherits them. What cannot be had is left as it is: the client has compared before what
// may not differ.
void take_over(const protocol::ProcessContext& context);

// In a fork, before its main: its own descriptors and no other, a process group of its own, and
// what was printed before main. It dies with the zygote, which alone could tell its end.
void begin_command(pid_t zygote, const protocol::ForkCommand& order,
                   std::vector<protocol::Fd> descriptors);

// Back into the zygote's process group, if this process leads the one that it was given; whether it
// did.
bool leave_group();

}  // namespace hearth::zygote
