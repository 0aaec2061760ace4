// A file of its own: inlined into others, GCC would take malloc and free here for a mismatch with
// new and delete.
#include "tests/protocol/allocations.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace hearth::protocol {
std::size_t largest_allocation = 0;
}  // namespace hearth::protocol

void* operator new(std::size_t size) {
  using hearth::protocol::largest_allocation;
  largest_allocation = std::max(largest_allocation, size);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
