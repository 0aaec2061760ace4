// What a call of libc's is about to look at, told to the record: the wrappers' vocabulary. Nothing
// happens while the gate is closed. Paths may be null, and are relative to a directory's
// descriptor or AT_FDCWD, as in the calls themselves.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include "protocol/messages.gen.h"

namespace hearth::recorder {

void listing(int directory, const char* path);
void looking(int directory, const char* path, protocol::Look look);
void looking(int directory, const char* path, int at_flags);  // AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
void resolving(const char* path);                             // realpath: every link on the way
void renamed(int directory, const char* path);                // another file has taken this name
void made(int directory, const char* path);                   // a directory
void variable_read(const char* name);
void variable_written(const char* entry);  // NAME or NAME=value
void all_variables_written();

// What an open asks for is looked at before it, and is known to be written after it.
class Opening {
 public:
  Opening(int directory, const char* path, int flags, mode_t mode);
  // The result, as the call gave it.
  int done(int fd) const;
  template <class File>
  File* done(File* file) const {
    done(file == nullptr ? -1 : 0);
    return file;
  }

 private:
  int directory_;
  const char* path_;
  bool writes_ = false;
  bool anew_ = false;
};

// The flags that fopen makes of its mode.
[[nodiscard]] int flags_of(const char* mode);

// Whether only this user may use what is made with this mode, as with what tempfile makes: its name
// was made up, so nobody has asked whether it is there.
[[nodiscard]] constexpr bool is_private(mode_t mode) { return (mode & 077U) == 0; }

}  // namespace hearth::recorder
