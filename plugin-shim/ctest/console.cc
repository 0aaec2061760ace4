#include "plugin-shim/ctest/console.h"

#include <fcntl.h>
#include <unistd.h>

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
  if (!setting_.quiet) {
    if (stream != pending_stream_) {
      flush();
      pending_stream_ = stream;
    }
    pending_ += text;
  }
  if (pending_.size() > kFull || pending_log_.size() > kFull) flush();
}

void Console::flush() {
  if (!pending_.empty()) {
    // Nobody who reads is no reason to stop testing.
    protocol::write_all(pending_stream_ == Stream::output ? STDOUT_FILENO : STDERR_FILENO,
                        pending_);
    pending_.clear();
  }
  if (!pending_log_.empty()) {
    protocol::write_all(log_.get(), pending_log_);
    pending_log_.clear();
  }
}

}  // namespace hearth::ctest
