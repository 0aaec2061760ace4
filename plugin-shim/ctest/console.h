// Where `hearth ctest` writes to. What is written is gathered, and comes out in its order when
// flush() is called, which is before anything is waited for.
#pragma once

#include <string>
#include <string_view>

#include "protocol/fd.h"

namespace hearth::ctest {

class Console {
 public:
  struct Setting {
    bool quiet = false;
    bool verbose = false;
  };
  explicit Console(Setting setting) : setting_(setting) {}
  ~Console() { flush(); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Also to this file (-O); false: it cannot be written, errno says why.
  [[nodiscard]] bool log_to(const std::string& file);

  void print(std::string_view text) { write(text, Stream::output, true); }
  void print_verbose(std::string_view text) {
    if (setting_.verbose) write(text, Stream::output, true);
  }
  void complain(std::string_view text) { write(text, Stream::errors, true); }
  // Only where there is a terminal: nothing for the file.
  void draw(std::string_view text) { write(text, Stream::output, false); }
  void flush();

  bool is_verbose() const { return setting_.verbose; }
  bool has_log() const { return static_cast<bool>(log_); }

 private:
  enum class Stream { output, errors };
  void write(std::string_view text, Stream stream, bool is_logged);

  Setting setting_;
  std::string pending_;
  Stream pending_stream_ = Stream::output;
  std::string pending_log_;
  protocol::Fd log_;
};

}  // namespace hearth::ctest
