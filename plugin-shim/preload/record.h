// What a process was seen to look at on its way to a stage: one signature for each path and way of
// looking, taken before the look. The rules of what counts stand here; who sees the looks is
// elsewhere (the wrappers, Python's audit hook).
//
// - The first look of a stage at a path counts. A path whose signature is in the record of an
//   earlier stage, and which has not changed since, is not recorded again.
// - A look that another one covers is left out: a file's content covers its status.
// - A .pyc stands for its source; one that is older than its source's last change, and is loaded
// all
//   the same, stands for itself. Otherwise byte code is nobody's input, nor is pytest's cache
//   directory, unless its files are read.
// - What the process itself has written is no input any more. It is recorded at the end of the
//   stage, as it is then, if it is still there and closed.
//
// Paths are absolute. Not thread-safe: the caller holds a lock. Nothing in it may be looked at by
// the wrappers while they record (see gate.h).
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "protocol/messages.gen.h"

namespace hearth::recorder {

class Record {
 public:
  explicit Record(std::int64_t started_ns) : stage_started_ns_(started_ns) {}

  void begin_stage();
  // Since when the program and its libraries may have been loaded: they are what was loaded if they
  // are older. Without it they must have been at rest for a while.
  void set_loading_began(std::int64_t clock_ns) { loading_began_ns_ = clock_ns; }
  // What was asked of this process's own entries in /proc that another process would answer in
  // another way; the first one's path, or empty.
  [[nodiscard]] const std::string& own_entry() const { return own_entry_; }
  // Takes what the stage has written and the libraries that it has loaded into the record, and
  // hands it over: in the order of the looks. Nothing may be recorded until begin_stage().
  std::vector<protocol::FileSignature> end_stage();

  // Leaves nothing out from here on: no Python's byte code and caches, no devices.
  void leave_nothing_out();
  // Leaves out this path and what is below it, from here on.
  void ignore(std::string prefix) { ignored_.push_back(std::move(prefix)); }
  void set_cache_prefix(std::string prefix) { cache_prefix_ = std::move(prefix); }

  void read(const std::string& path);                       // opened, listed, loaded
  void look(const std::string& path, protocol::Look look);  // Look::status or Look::link
  // Until the next call (once: or until the first look): whoever looks at the status of this path
  // wants to know its kind only. The path until now.
  std::string only_kind_of(std::string path, bool once) {
    is_only_once_ = once;
    return std::exchange(only_kind_of_, std::move(path));
  }
  void wrote(std::string path, bool anew);  // opened to be written, made, renamed to
  // Whether this process, or one that it was forked from, opened the file in order to write it anew
  // (mode "w").
  [[nodiscard]] bool began(const std::string& path) const { return begun_.contains(path); }

 private:
  struct Seen {
    protocol::FileSignature signature;  // its path is the key
    std::uint32_t stage = 0;
    std::size_t position = nowhere;  // in files_, when it was recorded in this stage
  };
  using Index = std::unordered_map<std::string, Seen>;
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  Index& index(protocol::Look look) { return seen_[static_cast<std::size_t>(look)]; }
  bool is_known(const std::string& path, protocol::Look look);
  void add(const std::string& path, protocol::Look look, protocol::FileSignature signature);
  [[nodiscard]] bool is_ignored(std::string_view path) const;
  [[nodiscard]] bool is_product(std::string_view path) const;
  [[nodiscard]] std::string source_of(const std::string& path) const;
  void add_written();
  void add_libraries();

  std::array<Index, 5> seen_;  // by look
  std::vector<protocol::FileSignature> files_;
  std::vector<std::string> ignored_{"/proc", "/sys", "/dev"};
  std::string only_kind_of_;
  bool is_only_once_ = false;
  bool knows_python_ = true;
  std::string cache_prefix_;  // sys.pycache_prefix, or empty
  std::unordered_set<std::string> written_;
  std::unordered_set<std::string> begun_;
  std::unordered_set<std::string> libraries_;
  std::set<std::string> written_in_stage_;
  std::string
      unsettled_;  // the last source read, when its signature waits for the read that follows
  std::uint32_t stage_ = 1;
  std::int64_t stage_started_ns_;
  std::int64_t loading_began_ns_ = 0;  // 0: not known
  std::string own_entry_;
};

}  // namespace hearth::recorder
