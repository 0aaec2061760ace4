// The function that a wrapper stands before: libc's own, or another preloaded library's.
#pragma once

#include <dlfcn.h>

// Null where this libc has no such function.
#define HEARTH_NEXT(name)  \
  static const auto next = \
      reinterpret_cast<decltype(&::name)>(dlsym(RTLD_NEXT, #name)) /* NOLINT(*-macro-*) */

// Part of what the library offers; all else is hidden.
#define HEARTH_WRAPPER extern "C" __attribute__((visibility("default")))
