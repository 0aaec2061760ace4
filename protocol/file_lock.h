// A lock on a file, by flock: held for as long as the object lives, or its process.
//
// Whoever holds it may remove the file; one who had opened it before has then locked a file that
// nobody else will look for. So acquire() locks the file that is there when it returns, and
// is_current() says whether it still is: who keeps a lock for life should ask now and then.
#pragma once

#include <filesystem>
#include <system_error>
#include <tl/expected.hpp>

#include "protocol/fd.h"

namespace hearth::protocol {

class FileLock {
 public:
  enum class Held { give_up, wait };

  // Makes the file (mode 0600) if it is not there. Held by somebody else and not to be waited for:
  // std::errc::operation_would_block.
  [[nodiscard]] static tl::expected<FileLock, std::error_code> acquire(
      const std::filesystem::path& path, Held held);

  // Whether the path still leads to the locked file.
  [[nodiscard]] bool is_current() const;
  // While it is locked; not a file that has taken its place.
  void remove_file();

  [[nodiscard]] int fd() const { return file_.get(); }

 private:
  FileLock(std::filesystem::path path, Fd file) : path_(std::move(path)), file_(std::move(file)) {}

  std::filesystem::path path_;
  Fd file_;
};

}  // namespace hearth::protocol
