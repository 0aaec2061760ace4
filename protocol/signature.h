// What a file looked like, and whether it still looks so: the one rule that both sides of a trace
// follow. The stages take signatures before they look; the daemon checks them before each reuse.
//
// What has to be the same depends on how the stage looked:
//
// - content (opened, listed). A data file: its stat fields, all of them. A Python source: its
//   content, whatever its stat fields say. A directory: its sorted names, without the ones that
//   runs themselves make (is_run_product). Links are followed: another target is another inode.
// - status (stat, access). A data file: its stat fields. A Python source: that it is a file, and
//   its mode (whoever wants more of a source opens it; importers look at its times only to choose
//   between source and bytecode). A directory: its inode and mode; its times change with every run.
// - link (lstat, readlink). A link: its inode and its target's text. Anything else: as for status.
// - kind (of a caller that is known to ask for no more). That it is a file, a directory or another
//   thing; nothing else is recorded.
// - written (by the stage itself). A file: its content. A directory: that it is the same one.
//
// What was absent must be absent. A file whose change time lies within racy_window of now may
// change again without a difference in its stat fields (the kernel's clock ticks every few
// milliseconds), so its content is recorded as well.
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
// Where file systems count seconds only (FAT, ext3), two of them.
inline constexpr std::chrono::milliseconds coarse_racy_window{2500};

// `path` is absolute.
[[nodiscard]] FileSignature take_signature(std::string_view path, Look look);

// In two steps: kind and stat fields, then what has to be read. What was known of the file in
// between is not lost, and stat is asked once.
[[nodiscard]] FileSignature take_status(std::string_view path, Look look);
[[nodiscard]] FileSignature complete(FileSignature status);

// Of a file that is known to have changed while it was read.
[[nodiscard]] FileSignature signature_that_never_holds(std::string_view path);

// Whether what is at the path now is what the signature recorded. Reads the file or directory only
// where stat cannot tell, and then stores the stat fields of what it read, so that stat can tell
// the next time.
[[nodiscard]] bool holds(FileSignature& recorded);

// Whether two signatures of one path have the same kind and stat fields: nothing has happened there
// in between, as far as stat can tell.
[[nodiscard]] bool same_stat(const FileSignature& a, const FileSignature& b);

// Names that come and go with every run and that nobody's result depends on: __pycache__, *.pyc,
// .pytest_cache.
[[nodiscard]] bool is_run_product(std::string_view name);

// XXH3-128, canonical form (16 bytes), of the names in sorted order, each ended by a zero byte.
[[nodiscard]] std::string listing_digest(std::vector<std::string> names);

}  // namespace hearth::protocol
