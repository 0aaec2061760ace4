// What a file looked like, and whether it still looks so: the one rule that both sides of a trace
// follow. The stages take signatures before they read; the daemon checks them before each reuse.
//
// A regular file is its stat fields. One whose change time lies within racy_window of now may
// change again without a difference in them (the kernel's clock ticks every few milliseconds), so
// it carries a digest of its content as well. A directory is the digest of its sorted names,
// without the ones that runs themselves make (see is_run_product). Symbolic links are followed:
// another target is another inode.
//
// Nothing here throws for what is on the disk: what cannot be read becomes a signature too.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/messages.gen.h"

namespace hearth::protocol {

inline constexpr std::chrono::milliseconds racy_window{50};

// `path` is absolute.
[[nodiscard]] FileSignature take_signature(std::string_view path);

// Of a file that is known to have changed while it was read.
[[nodiscard]] FileSignature signature_that_never_holds(std::string_view path);

// Whether what is at the path now is what the signature recorded. Reads the file or directory only
// where stat cannot tell.
[[nodiscard]] bool holds(const FileSignature& recorded);

// Names that come and go with every run and that nobody's result depends on: __pycache__, *.pyc,
// .pytest_cache.
[[nodiscard]] bool is_run_product(std::string_view name);

// XXH3-128, canonical form (16 bytes), of the names in sorted order, each ended by a zero byte.
[[nodiscard]] std::string listing_digest(std::vector<std::string> names);

}  // namespace hearth::protocol
