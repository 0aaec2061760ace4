// The owner of one file descriptor.
#pragma once

#include <utility>

namespace hearth::protocol {

// Move-only; closes in its destructor. Negative means none. Every descriptor given to it should be
// close-on-exec.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  explicit operator bool() const { return fd_ >= 0; }

  // Another descriptor of the same open file, close-on-exec; empty (see errno) when there is none
  // to be had.
  [[nodiscard]] Fd duplicate() const;

 private:
  int fd_ = -1;
};

}  // namespace hearth::protocol
