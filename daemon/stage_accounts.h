// Why the stages of a run that are deeper than the one that serves it did not serve.
#pragma once

#include <memory>
#include <vector>

#include "daemon/stage_memory.h"

namespace hearth::daemon {

// The stages on the way to a run, deepest first. A stage more is a row more.
inline constexpr std::array stages_deepest_first = {
    protocol::Stage::selected,   protocol::Stage::gathered,  protocol::Stage::started,
    protocol::Stage::configured, protocol::Stage::preloaded, protocol::Stage::interpreter};

// From `selected` to the stage of the zygote that serves, or to the interpreter when there is none.
// One cause for each: that of a zygote for the same command which has ended; else what a zygote
// that is there cannot do for this request; else that of the stage below it, which it would have
// been built on. To be asked before anything is built for the request.
std::vector<protocol::StageAccount> account_of_stages(
    const ProcessRequest& request, const Zygote* served,
    const std::vector<std::unique_ptr<Zygote>>& zygotes, StageMemory& memory);

}  // namespace hearth::daemon
