// What a fork finds mapped of the program's code.
//
// Linux gives a fork page tables for memory that its parent has written to, and leaves those of
// mapped files to page faults (mm/memory.c, vma_needs_copy): dozens for each short test. A mapping
// that has one page of its own counts as written to, as a whole.
#pragma once

namespace hearth::zygote {

// Writes one byte of each executable segment as it is, past its protection as a debugger would
// (/proc/self/mem). Where that is not allowed, forks take their faults.
void let_forks_inherit_text();

}  // namespace hearth::zygote
