// What a peer can make us allocate is part of the contract, so it is measured: operator new of this
// test program notes it.
#pragma once

#include <cstddef>

namespace hearth::protocol {

// The largest since it was last set to 0.
extern std::size_t largest_allocation;

}  // namespace hearth::protocol
