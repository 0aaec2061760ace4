// The way from a wrapped call to the record: open while the process is on its way to a stage,
// closed in everything that it does besides. A closed gate costs a wrapper one relaxed load.
//
// Wrappers are called from any thread, before main, in fork handlers and by what the recorder does
// itself. So: one lock for the record, held across fork, and a mark on the thread that is inside.
// A signal handler that interrupts a recording thread is not recorded. A forked child records
// nothing until it asks for it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cerrno>
#include <string>

#include "plugin-shim/preload/native_environment.h"
#include "plugin-shim/preload/record.h"

namespace hearth::recorder {

extern std::atomic<bool> is_open;

// Inside the gate, or not: `if (Passage passage; passage) passage.record().read(…)`. Leaves errno
// as it was.
class Passage {
 public:
  Passage() : is_inside_(is_open.load(std::memory_order_relaxed) && enter()) {}
  // Also while the gate is closed: for the owner of the record.
  struct AsOwner {};
  explicit Passage(AsOwner) : is_inside_(enter()) {}
  ~Passage() {
    if (is_inside_) leave();
  }
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

  explicit operator bool() const { return is_inside_; }
  [[nodiscard]] static Record& record();
  [[nodiscard]] static NativeEnvironment& environment();

 private:
  bool enter();
  void leave() const;

  int errno_ = 0;
  bool is_inside_;
};

// A path as the record wants it. Empty when there is none, or when it cannot be known.
[[nodiscard]] std::string absolute(int directory, const char* path);

}  // namespace hearth::recorder
