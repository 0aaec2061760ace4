#include "daemon/worker_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace hearth::daemon {
namespace {

constexpr std::size_t piece_bytes = 64u * 1024;  // a pipe's usual capacity
constexpr int most_pieces = 16;                  // in one read()
constexpr std::size_t longest_line = 1024u * 1024;

}  // namespace

WorkerOutput::WorkerOutput(EventLoop& loop, std::function<bool()> can_take, Sink sink)
    : loop_(loop), can_take_(std::move(can_take)), sink_(std::move(sink)) {}

WorkerOutput::~WorkerOutput() { close(); }

protocol::Fd WorkerOutput::open() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  pipe_.reset(ends[0]);
  // The other end is a new description: its writers find an ordinary, blocking pipe.
  fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  watch();
  return protocol::Fd(ends[1]);
}

void WorkerOutput::watch() {
  loop_.watch(pipe_.get(), POLLIN, [this](short) {
    if (can_take_()) {
      read();
    } else {
      is_held_up_ = true;
      loop_.unwatch(pipe_.get());
    }
  });
}

void WorkerOutput::read() {
  if (!pipe_) return;
  if (std::exchange(is_held_up_, false)) watch();
  for (int piece = 0; piece < most_pieces && read_some(); ++piece) {
  }
  hand_on(text_.size() > longest_line);
}

void WorkerOutput::finish() {
  read();
  close();
  hand_on(true);
}

// Whether there may be more.
bool WorkerOutput::read_some() {
  const auto before = text_.size();
  text_.resize(before + piece_bytes);
  const auto got = ::read(pipe_.get(), text_.data() + before, piece_bytes);
  text_.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
  if (got == 0) close();
  return got == static_cast<ssize_t>(piece_bytes);
}

void WorkerOutput::hand_on(bool everything) {
  const auto newline = text_.rfind('\n');
  const auto complete = newline == std::string::npos ? 0 : newline + 1;
  auto rest = text_.substr(complete);
  text_.resize(complete);
  if (everything && !rest.empty()) text_ += std::exchange(rest, {}) + '\n';
  if (!text_.empty()) sink_(std::move(text_));
  text_ = std::move(rest);
}

void WorkerOutput::close() {
  if (!pipe_) return;
  loop_.unwatch(pipe_.get());
  pipe_.reset();
}

}  // namespace hearth::daemon
