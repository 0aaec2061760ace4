#include "plugin-shim/ctest/console.h"

#include <fcntl.h>
#include <unistd.h>

#include "plugin-shim/client/terminal.h"
#include "protocol/write_all.h"

namespace hearth::ctest {
namespace {

constexpr std::size_t kFull = 32 * 1024;
constexpr int kEverybodyReads = 0666;  // less the umask

}  // namespace

bool Console::log_to(const std::string& file) {
  log_ =
      protocol::Fd(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kEverybodyReads));
  return static_cast<bool>(log_);
}

void Console::write(std::string_view text, Stream stream, const char* kind) {
  if (text.empty()) return;
  if (kind != nullptr && log_) {
    const bool is_new = names_kinds_ && last_kind_ != kind;
    if (is_new) pending_log_.append("[").append(kind).append("] \n");
    pending_log_ += text;
    if (is_new) pending_log_ += '\n';
    last_kind_ = kind;
  }
  if (!setting_.quiet) add(text, stream);
  if (pending_.size() > kFull) write_pending(false);
  if (pending_log_.size() > kFull) write_log();
}

void Console::add(std::string_view text, Stream stream) {
  if (stream != pending_stream_) {
    write_pending(false);
    pending_stream_ = stream;
  }
  pending_ += text;
}

// What is the last for now is followed by the status, in one piece where it goes the same way.
void Console::write_pending(bool is_last) {
  const std::string next = is_last ? status_ : std::string();
  if (pending_.empty() && next == shown_status_) return;
  if (!shown_status_.empty()) {
    if (pending_stream_ == Stream::errors) {
      protocol::write_all(STDOUT_FILENO, client::kEraseLine);
    } else {
      pending_.insert(0, client::kEraseLine);
    }
  }
  // Nobody who reads is no reason to stop testing.
  if (pending_stream_ == Stream::errors) {
    protocol::write_all(STDERR_FILENO, pending_);
    pending_.clear();
    pending_stream_ = Stream::output;
  }
  pending_ += next;
  protocol::write_all(STDOUT_FILENO, pending_);
  pending_.clear();
  shown_status_ = next;
}

void Console::write_log() {
  if (pending_log_.empty()) return;
  protocol::write_all(log_.get(), pending_log_);
  pending_log_.clear();
}

void Console::flush() {
  write_pending(true);
  write_log();
}

}  // namespace hearth::ctest
