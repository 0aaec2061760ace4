// Where `hearth ctest` writes to. What is written is gathered, and comes out in its order when
// flush() is called, which is before anything is waited for.
#pragma once

#include <string>
#include <string_view>
#include <utility>

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
  // That file says of what kind what follows is, each time that it changes: ctest before 4.0 does.
  void name_kinds() { names_kinds_ = true; }

  void print(std::string_view text) { write(text, Stream::output, "HANDLER_OUTPUT"); }
  void print_verbose(std::string_view text) {
    if (setting_.verbose) write(text, Stream::output, "HANDLER_VERBOSE_OUTPUT");
  }
  void complain(std::string_view text) { write(text, Stream::errors, "ERROR_MESSAGE"); }
  // What ctest's library writes itself: past the file, and with -Q as well.
  void print_always(std::string_view text) { add(text, Stream::output); }
  void complain_always(std::string_view text) { add(text, Stream::errors); }
  // Only where there is a terminal: nothing for the file.
  void draw(std::string_view text) { write(text, Stream::output, nullptr); }
  // Below all that is written, until it is another one or empty; only where it can be taken off.
  void set_status(std::string text) { status_ = std::move(text); }
  void flush();

  bool is_verbose() const { return setting_.verbose; }
  bool has_log() const { return static_cast<bool>(log_); }

 private:
  enum class Stream { output, errors };
  // `kind`: null for what is not for the file.
  void write(std::string_view text, Stream stream, const char* kind);
  void add(std::string_view text, Stream stream);
  void write_pending(bool is_last);
  void write_log();

  Setting setting_;
  std::string pending_;
  Stream pending_stream_ = Stream::output;
  std::string status_;
  std::string shown_status_;
  std::string pending_log_;
  protocol::Fd log_;
  bool names_kinds_ = false;
  std::string_view last_kind_;
};

}  // namespace hearth::ctest
