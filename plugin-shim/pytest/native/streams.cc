// The open descriptors of a paused process, and what becomes of them in a fork of it: its standard
// streams are replaced wherever they were duplicated to (pytest's capture keeps duplicates), and
// regular files get a description of their own, since two processes that share one share its
// offset.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin-shim/pytest/native/python.h"
#include "plugin-shim/pytest/native/recorder.h"

namespace hearth::python {
namespace {

struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Identity&) const = default;
};

struct Placeholder {
  bool is_open = false;
  Identity identity;
  int access = 0;
};

// Those of this process. What is on 0, 1 and 2 may be something else by now, such as pytest's
// capture.
std::array<Placeholder, 3> placeholders;

Identity identity_of(const struct stat& status) { return {status.st_dev, status.st_ino}; }

std::vector<int> open_descriptors() {
  std::vector<int> result;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return result;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    if (fd != dirfd(directory)) result.push_back(fd);
  }
  closedir(directory);
  return result;
}

bool contains(const std::vector<int>& list, int fd) {
  for (const int entry : list) {
    if (entry == fd) return true;
  }
  return false;
}

std::string link_of(int fd) {
  std::array<char, 4096> target{};
  const std::string name = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = readlink(name.c_str(), target.data(), target.size());
  return size < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(size));
}

// Which standard stream the descriptor is a duplicate of, if any. One placeholder may serve several
// streams (a terminal, or 2>&1): then the way in which it was opened tells input from output, and
// among outputs any is as good.
std::optional<std::size_t> stream_of(int fd, const struct stat& status) {
  const Identity identity = identity_of(status);
  const auto matches = [&](std::size_t i) {
    return placeholders[i].is_open && placeholders[i].identity == identity;
  };
  if (fd >= 0 && fd < 3 && matches(static_cast<std::size_t>(fd)))
    return static_cast<std::size_t>(fd);
  const int access = fcntl(fd, F_GETFL) & O_ACCMODE;
  for (std::size_t i = 0; i < placeholders.size(); ++i) {
    if (matches(i) && placeholders[i].access == access) return i;
  }
  for (std::size_t i = 0; i < placeholders.size(); ++i) {
    if (matches(i)) return i;
  }
  return std::nullopt;
}

bool replace_descriptor(int fd, int by) {
  const int flags = fcntl(fd, F_GETFD);
  return dup3(by, fd, (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) >= 0;
}

bool copy_content(int from, int to) {
  std::array<char, 65536> buffer;
  off_t offset = 0;
  for (;;) {
    const ssize_t got = pread(from, buffer.data(), buffer.size(), offset);
    if (got <= 0) return got == 0;
    for (ssize_t done = 0; done < got;) {
      const ssize_t written =
          pwrite(to, buffer.data() + done, static_cast<std::size_t>(got - done), offset + done);
      if (written < 0) return false;
      done += written;
    }
    offset += got;
  }
}

// A file that has no name any more (a temporary file, such as pytest's capture makes): a second one
// with its content.
int twin_of_unlinked(int fd, int flags) {
  std::string directory = link_of(fd);
  const std::size_t slash = directory.rfind('/');
  directory.resize(slash == std::string::npos ? 0 : slash);
  int twin = directory.empty() ? -1 : open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (twin < 0) twin = memfd_create("hearth", MFD_CLOEXEC);
  if (twin < 0) return -1;
  if (!copy_content(fd, twin)) {
    close(twin);
    return -1;
  }
  fcntl(twin, F_SETFL, flags & (O_APPEND | O_NONBLOCK));
  return twin;
}

// A file that a stage began to write anew, such as a log: its path.
struct BegunFile {
  int fd;
  std::string path;
};

// Those that were open at the last pause.
std::vector<BegunFile> begun_files;

const std::string* begun_path(int fd) {
  for (const BegunFile& file : begun_files) {
    if (file.fd == fd) return &file.path;
  }
  return nullptr;
}

// What a cold run would have by now: the file anew, with what the stage has written to it. Earlier
// runs from the same stage have written more, or somebody has removed the file.
int begin_again(int fd, int flags, const std::string& path) {
  const int own = open(path.c_str(), (flags & ~O_EXCL) | O_CREAT | O_CLOEXEC, 0666);
  if (own < 0) return -1;
  const off_t size = lseek(fd, 0, SEEK_CUR);
  struct stat mine {};
  struct stat stages {};
  if (fstat(own, &mine) != 0 || fstat(fd, &stages) != 0) {
    close(own);
    return -1;
  }
  bool done = true;
  if (!(identity_of(mine) == identity_of(stages))) {
    const int readable =
        open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC);
    done = readable >= 0 && copy_content(readable, own);
    close(readable);
  }
  if (!done || ftruncate(own, size) != 0) {
    close(own);
    return -1;
  }
  return own;
}

// A description of its own for a regular file, with the same content, flags and offset.
bool separate_file(int fd, const struct stat& status) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_PATH) != 0) return flags >= 0;
  int own = -1;
  if (const std::string* path = begun_path(fd)) {
    own = begin_again(fd, flags, *path);
  } else if (status.st_nlink == 0) {
    own = twin_of_unlinked(fd, flags);
  } else {
    const std::string name = "/proc/self/fd/" + std::to_string(fd);
    own = open(name.c_str(), (flags & ~(O_CREAT | O_EXCL | O_TRUNC)) | O_CLOEXEC);
  }
  if (own < 0) return false;
  lseek(own, lseek(fd, 0, SEEK_CUR), SEEK_SET);
  const bool replaced = replace_descriptor(fd, own);
  close(own);
  return replaced;
}

bool is_harmless_device(const struct stat& status) {
  // null, zero, full, random, urandom: no state that two processes would share.
  if (!S_ISCHR(status.st_mode) || major(status.st_rdev) != 1) return false;
  const unsigned minor_number = minor(status.st_rdev);
  return minor_number == 3 || minor_number == 5 || minor_number == 7 || minor_number == 8 ||
         minor_number == 9;
}

// Locks belong to the process that took them, or to the description that they were taken by: a fork
// has none, and the paused process would keep them when its runs are over.
bool is_locked(int fd) {
  const int info = open(("/proc/self/fdinfo/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC);
  if (info < 0) return false;
  std::array<char, 4096> text{};
  const ssize_t size = read(info, text.data(), text.size());
  close(info);
  return size > 0 &&
         std::string_view(text.data(), static_cast<std::size_t>(size)).find("\nlock:") !=
             std::string_view::npos;
}

// SQLite knows by the process which locks it holds: a connection must not be carried across a fork.
bool is_database(int fd) {
  constexpr std::string_view magic("SQLite format 3\0", 16);
  std::array<char, magic.size()> head{};
  return pread(fd, head.data(), head.size(), 0) == static_cast<ssize_t>(head.size()) &&
         std::string_view(head.data(), head.size()) == magic;
}

bool is_null_device(const struct stat& status) {
  return S_ISCHR(status.st_mode) && major(status.st_rdev) == 1 && minor(status.st_rdev) == 3;
}

bool numbers_from(PyObject* sequence, std::vector<int>& result) {
  const Py_ssize_t count = PySequence_Size(sequence);
  if (count < 0) return false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Object item(PySequence_GetItem(sequence, i));
    if (!item) return false;
    const long number = PyLong_AsLong(item.get());
    if (number == -1 && PyErr_Occurred() != nullptr) return false;
    result.push_back(static_cast<int>(number));
  }
  return true;
}

void remember(const std::array<int, 3>& streams) {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    struct stat status {};
    placeholders[i] = {};
    if (fstat(streams[i], &status) != 0) continue;
    placeholders[i] = {true, identity_of(status), fcntl(streams[i], F_GETFL) & O_ACCMODE};
  }
}

PyObject* remember_streams(PyObject*, PyObject*) {
  remember({0, 1, 2});
  Py_RETURN_NONE;
}

PyObject* replace_streams(PyObject*, PyObject* args) {
  PyObject* sequence = nullptr;
  if (PyArg_ParseTuple(args, "O", &sequence) == 0) return nullptr;
  std::vector<int> streams;
  if (!numbers_from(sequence, streams)) return nullptr;
  if (streams.size() != 3) {
    PyErr_SetString(PyExc_ValueError, "three streams");
    return nullptr;
  }
  for (const int fd : open_descriptors()) {
    if (contains(streams, fd)) continue;
    struct stat status {};
    if (fstat(fd, &status) != 0) continue;
    const auto stream = stream_of(fd, status);
    if (!stream) continue;
    // Everybody opens the null device: where it was the placeholder, only the stream itself is
    // known to be meant.
    if (fd > 2 && is_null_device(status)) continue;
    if (!replace_descriptor(fd, streams[*stream])) return os_error();
  }
  for (int fd = 0; fd < 3; ++fd) {
    if (!placeholders[static_cast<std::size_t>(fd)].is_open &&
        dup3(streams[static_cast<std::size_t>(fd)], fd, 0) < 0) {
      return os_error();
    }
  }
  remember({streams[0], streams[1], streams[2]});
  for (const int fd : streams) close(fd);
  Py_RETURN_NONE;
}

PyObject* separate_files(PyObject*, PyObject* args) {
  PyObject* sequence = nullptr;
  if (PyArg_ParseTuple(args, "O", &sequence) == 0) return nullptr;
  std::vector<int> ours;
  if (!numbers_from(sequence, ours)) return nullptr;
  // Duplicates of one description must stay duplicates of one: only the first of them is given a
  // new one.
  struct Done {
    Identity identity;
    off_t offset;
    int flags;
    int fd;
  };
  std::vector<Done> done;
  for (const int fd : open_descriptors()) {
    struct stat status {};
    if (contains(ours, fd) || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        stream_of(fd, status))
      continue;
    const Identity identity = identity_of(status);
    const off_t offset = lseek(fd, 0, SEEK_CUR);
    const int flags = fcntl(fd, F_GETFL);
    const Done* earlier = nullptr;
    for (const Done& entry : done) {
      if (entry.identity == identity && entry.offset == offset && entry.flags == flags)
        earlier = &entry;
    }
    if (earlier != nullptr) {
      if (!replace_descriptor(fd, earlier->fd)) return os_error();
      continue;
    }
    // A file that cannot be opened again (its permissions were changed) stays shared with the
    // zygote, which does not use it.
    if (separate_file(fd, status)) done.push_back({identity, offset, flags, fd});
  }
  Py_RETURN_NONE;
}

PyObject* remember_files(PyObject*, PyObject*) {
  begun_files.clear();
  for (const int fd : open_descriptors()) {
    struct stat status {};
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink == 0) continue;
    std::string path = link_of(fd);
    if (began_anew(path)) begun_files.push_back({fd, std::move(path)});
  }
  Py_RETURN_NONE;
}

PyObject* find_shared(PyObject*, PyObject* args) {
  PyObject* sequence = nullptr;
  if (PyArg_ParseTuple(args, "O", &sequence) == 0) return nullptr;
  std::vector<int> ours;
  if (!numbers_from(sequence, ours)) return nullptr;
  Object found(PyList_New(0));
  for (const int fd : open_descriptors()) {
    struct stat status {};
    if (contains(ours, fd) || fstat(fd, &status) != 0) continue;
    if (S_ISDIR(status.st_mode) || is_harmless_device(status) || stream_of(fd, status)) continue;
    std::string_view what = "descriptor";
    if (S_ISREG(status.st_mode)) {
      what = is_locked(fd) ? "locked file" : is_database(fd) ? "database" : "";
      if (what.empty()) continue;
    }
    const std::string text =
        std::string(what) + " " + std::to_string(fd) + " (" + link_of(fd) + ")";
    const Object item(PyUnicode_DecodeFSDefault(text.c_str()));
    if (!found || !item || PyList_Append(found.get(), item.get()) != 0) return nullptr;
  }
  return found.release();
}

PyObject* write_out(PyObject*, PyObject* args) {
  int fd = -1;
  const char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyArg_ParseTuple(args, "iy#", &fd, &data, &size) == 0) return nullptr;
  while (size > 0) {
    ssize_t written = 0;
    Py_BEGIN_ALLOW_THREADS;
    written = write(fd, data, static_cast<std::size_t>(size));
    Py_END_ALLOW_THREADS;
    if (written >= 0) {
      data += written;
      size -= written;
    } else if (errno == EINTR) {
      if (PyErr_CheckSignals() != 0) return nullptr;
    } else if (errno == EAGAIN) {  // another program has made the terminal so
      pollfd writable{fd, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else {
      return os_error();
    }
  }
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef streams_methods[] = {
    {"remember_streams", remember_streams, METH_NOARGS,
     "remember_streams(): what is on 0, 1, 2 now are the placeholders that replace_streams looks "
     "for."},
    {"replace_streams", replace_streams, METH_VARARGS,
     "replace_streams((in, out, err)): put these in place of every descriptor of the placeholders, "
     "and look for them the next time; closes the three."},
    {"separate_files", separate_files, METH_VARARGS,
     "separate_files(ours): share no open regular file with the process that this one was forked "
     "from."},
    {"remember_files", remember_files, METH_NOARGS,
     "remember_files(): separate_files will begin anew the files that this process has begun to "
     "write anew."},
    {"find_shared", find_shared, METH_VARARGS,
     "find_shared(ours) -> list[str]: open descriptors that two processes cannot both use, other "
     "than ours and the streams."},
    {"write_out", write_out, METH_VARARGS, "write_out(fd, data): all of it."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
