// The function that a wrapper stands before: libc's own, or another preloaded library's.
//
// It is looked up when it is first called, which may be before this library's own initialisers have
// run. A zygote has the rest looked up before it is forked: its forks would each do it anew, for
// some ten pages that they touch.
#pragma once

#include <dlfcn.h>

#include <atomic>

namespace hearth::recorder {

// One function's lookup, in a list of all. Made by this library's initialisers.
class Lookup {
 public:
  explicit Lookup(void (*make)()) noexcept : make_(make), rest_(all_) { all_ = this; }

  static void make_all() {
    for (const Lookup* each = all_; each != nullptr; each = each->rest_) each->make_();
  }

 private:
  static inline constinit Lookup* all_ = nullptr;

  void (*make_)();
  Lookup* rest_;
};

// Name::text(): what it is called. Threads may look it up side by side, and find the same.
template <typename Name>
class Next {
 public:
  // Null where this libc has no such function.
  static void* get() {
    if (!is_known_.load(std::memory_order_acquire)) look_up();
    return function_.load(std::memory_order_relaxed);
  }

 private:
  static void look_up() {
    static_cast<void>(&lookup_);  // to have it made
    function_.store(dlsym(RTLD_NEXT, Name::text()), std::memory_order_relaxed);
    is_known_.store(true, std::memory_order_release);
  }

  static inline constinit std::atomic<void*> function_{nullptr};
  static inline constinit std::atomic<bool> is_known_{false};
  static inline Lookup lookup_{look_up};
};

}  // namespace hearth::recorder

#define HEARTH_NEXT(name)                                                       \
  struct NameOfNext {                                                           \
    static const char* text() { return #name; }                                 \
  };                                                                            \
  const auto next = reinterpret_cast<decltype(&::name)>(/* NOLINT(*-macro-*) */ \
                                                        hearth::recorder::Next<NameOfNext>::get())

// Part of what the library offers; all else is hidden.
#define HEARTH_WRAPPER extern "C" __attribute__((visibility("default")))
