#include "daemon/placeholder_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace hearth::daemon {
namespace {

// Written to the terminal by the daemon after the program's last output: a pseudo-terminal hands
// bytes over from a kernel thread, so an empty read does not mean that nothing is on its way. No
// program writes this.
constexpr std::string_view end_mark = "\x1b_hearth end of stage\x1b\\";
constexpr auto end_mark_patience = std::chrono::seconds(2);

}  // namespace

PlaceholderStreams::~PlaceholderStreams() {
  if (terminal_master_) loop_.unwatch(terminal_master_.get());
}

tl::expected<void, std::string> PlaceholderStreams::open(const StreamShape& shape) {
  shape_ = shape;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (!shape.terminals[i].is_terminal) {
      if (i == 2 && shape.joined_output) {
        files_[2] = files_[1].duplicate();
        continue;
      }
      auto file = anonymous_file("hearth-placeholder");
      if (!file) return tl::unexpected(file.error());
      // Output appends, as several descriptions of the same file may come to write to it.
      if (i > 0) fcntl(file->get(), F_SETFL, O_APPEND);
      files_[i] = std::move(*file);
      continue;
    }
    if (!terminal_master_) {
      auto pair = pseudo_terminal(shape.terminals[i]);
      if (!pair) return tl::unexpected(pair.error());
      terminal_master_ = std::move(pair->first);
      files_[i] = std::move(pair->second);
      const auto path = "/proc/self/fd/" + std::to_string(files_[i].get());
      terminal_mark_ =
          protocol::Fd(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
      loop_.watch(terminal_master_.get(), POLLIN, [this](short) { read_terminal(); });
    } else {
      for (std::size_t before = 0; before < i; ++before) {
        if (shape.terminals[before].is_terminal) files_[i] = files_[before].duplicate();
      }
    }
  }
  return {};
}

std::array<int, 3> PlaceholderStreams::descriptors() const {
  return {files_[0].get(), files_[1].get(), files_[2].get()};
}

std::vector<protocol::Fd> PlaceholderStreams::duplicates() const {
  std::vector<protocol::Fd> copies;
  for (const auto& file : files_) copies.push_back(file.duplicate());
  return copies;
}

void PlaceholderStreams::read_terminal() {
  char buffer[16384];
  for (;;) {
    const auto count = read(terminal_master_.get(), buffer, sizeof buffer);
    if (count <= 0) return;
    terminal_text_.append(buffer, static_cast<std::size_t>(count));
  }
}

void PlaceholderStreams::drain_terminal() {
  if (!terminal_mark_) return;
  const auto deadline = Clock::now() + end_mark_patience;
  std::string_view unwritten = end_mark;
  while (Clock::now() < deadline) {
    if (!unwritten.empty()) {
      const auto count = write(terminal_mark_.get(), unwritten.data(), unwritten.size());
      if (count > 0) unwritten.remove_prefix(static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN && errno != EINTR) break;
    }
    read_terminal();
    if (const auto mark = terminal_text_.find(end_mark); mark != std::string::npos) {
      terminal_text_.erase(mark, end_mark.size());
      return;
    }
    pollfd poll_master{terminal_master_.get(), POLLIN, 0};
    poll(&poll_master, 1, 10);
  }
}

PlaceholderStreams::Printed PlaceholderStreams::printed() {
  Printed printed;
  if (terminal_master_) drain_terminal();
  const bool out_is_terminal = shape_.terminals[1].is_terminal;
  const bool err_is_terminal = shape_.terminals[2].is_terminal;
  if (out_is_terminal || err_is_terminal) {
    (out_is_terminal ? printed.to_stdout : printed.to_stderr) = terminal_text_;
  }
  if (!out_is_terminal) printed.to_stdout = contents(files_[1]);
  if (!err_is_terminal && !(shape_.joined_output && !out_is_terminal))
    printed.to_stderr = contents(files_[2]);
  return printed;
}

}  // namespace hearth::daemon
