#include "protocol/signature.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>

namespace hearth::protocol {
namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;

std::int64_t to_ns(const timespec& time) {
  return std::int64_t{time.tv_sec} * ns_per_s + time.tv_nsec;
}

std::string canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  return {reinterpret_cast<const char*>(bytes.digest), sizeof bytes.digest};
}

bool is_racy(std::int64_t ctime_ns) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const bool is_whole_second =
      ctime_ns % std::chrono::nanoseconds(std::chrono::seconds(1)).count() == 0;
  const std::chrono::nanoseconds window = is_whole_second ? coarse_racy_window : racy_window;
  return ctime_ns > to_ns(now) - window.count();
}

// None: it could not be read to the end.
std::optional<std::string> content_digest(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                 XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::array<char, 65536> buffer;
  ssize_t got = 0;
  for (;;) {
    got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(got));
  }
  close(fd);
  if (got < 0) return std::nullopt;
  return canonical(XXH3_128bits_digest(state.get()));
}

std::optional<std::string> directory_digest(const std::string& path) {
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return std::nullopt;
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !is_run_product(name)) names.emplace_back(name);
  }
  closedir(directory);
  return listing_digest(std::move(names));
}

// What is often written without being changed: a source of the project (those of installed packages
// and of Python itself change only when they are installed anew, and are too many to read all of
// them), and what pytest's cache keeps.
bool is_written_often(std::string_view path) {
  if (path.find("/v/cache/") != std::string_view::npos) return true;
  return path.ends_with(".py") && path.find("/site-packages/") == std::string_view::npos &&
         path.find("/dist-packages/") == std::string_view::npos &&
         path.find("/lib/python3.") == std::string_view::npos;
}

std::string link_digest(const std::string& path) {
  std::array<char, 4096> target;
  const ssize_t size = readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return {};
  return canonical(XXH3_128bits(target.data(), static_cast<std::size_t>(size)));
}

// Stat fields that no file has: `holds` then goes by the content.
void forget_times(FileSignature& signature) { signature.mtime_ns = signature.ctime_ns = 0; }

bool same_inode(const FileSignature& a, const FileSignature& b) {
  return a.device == b.device && a.inode == b.inode;
}

// Of what stat says, all that the look has seen.
bool status_holds(const FileSignature& recorded, const FileSignature& now) {
  switch (recorded.kind) {
    case FileKind::absent:
      return true;
    case FileKind::directory:
      return same_inode(now, recorded) && now.mode == recorded.mode;
    case FileKind::link:
      return same_inode(now, recorded) && link_digest(recorded.path) == recorded.digest;
    case FileKind::file:
      if (recorded.path.ends_with(".py")) return now.mode == recorded.mode;
      return same_stat(now, recorded);
    case FileKind::other:
      break;
  }
  return same_stat(now, recorded);
}

// Goes by the content; `now` was taken before it is read. Once it holds, stat can settle it next
// time.
bool digest_holds(FileSignature& recorded, const FileSignature& now) {
  const auto digest = recorded.kind == FileKind::directory ? directory_digest(recorded.path)
                                                           : content_digest(recorded.path);
  if (digest.value_or("") != recorded.digest) return false;
  if (is_racy(now.ctime_ns)) return true;
  recorded.device = now.device;
  recorded.inode = now.inode;
  recorded.mode = now.mode;
  recorded.size = now.size;
  recorded.mtime_ns = now.mtime_ns;
  recorded.ctime_ns = now.ctime_ns;
  return true;
}

bool content_holds(FileSignature& recorded, const FileSignature& now) {
  const bool same = same_stat(now, recorded);
  if (recorded.kind == FileKind::directory) return same || digest_holds(recorded, now);
  if (recorded.kind != FileKind::file) return recorded.kind == FileKind::absent || same;
  if ((recorded.path.ends_with(".py") || is_written_often(recorded.path)) &&
      !recorded.digest.empty())
    return same || digest_holds(recorded, now);
  if (!same) return false;
  if (recorded.digest.empty()) return true;
  if (!digest_holds(recorded, now)) return false;
  if (!is_racy(now.ctime_ns)) recorded.digest.clear();
  return true;
}

}  // namespace

bool same_stat(const FileSignature& a, const FileSignature& b) {
  return a.kind == b.kind && a.device == b.device && a.inode == b.inode && a.mode == b.mode &&
         a.size == b.size && a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns;
}

FileSignature take_status(std::string_view path, Look look) {
  FileSignature signature;
  signature.path = path;
  signature.look = look;
  struct stat status {};
  const int result = look == Look::link ? lstat(signature.path.c_str(), &status)
                                        : stat(signature.path.c_str(), &status);
  if (result != 0) {
    // Anything but "not there" (no permission, a loop of links) is something whose content nobody
    // saw.
    signature.kind = errno == ENOENT || errno == ENOTDIR ? FileKind::absent : FileKind::other;
    return signature;
  }
  signature.kind = S_ISREG(status.st_mode)   ? FileKind::file
                   : S_ISDIR(status.st_mode) ? FileKind::directory
                   : S_ISLNK(status.st_mode) ? FileKind::link
                                             : FileKind::other;
  if (look == Look::kind) return signature;
  signature.device = status.st_dev;
  signature.inode = status.st_ino;
  signature.mode = status.st_mode;
  if (signature.kind == FileKind::other)
    return signature;  // a terminal's or pipe's times change with use
  signature.size = static_cast<std::uint64_t>(status.st_size);
  signature.mtime_ns = to_ns(status.st_mtim);
  signature.ctime_ns = to_ns(status.st_ctim);
  return signature;
}

FileSignature take_signature(std::string_view path, Look look) {
  // stat comes before the content: a change in between is then a difference, never hidden.
  return complete(take_status(path, look));
}

FileSignature complete(FileSignature signature) {
  const Look look = signature.look;
  const std::string& path = signature.path;
  if (signature.kind == FileKind::link) signature.digest = link_digest(signature.path);
  if (look != Look::content && look != Look::written) return signature;
  const bool racy = is_racy(signature.ctime_ns);
  if (signature.kind == FileKind::directory && look == Look::content) {
    signature.digest = directory_digest(signature.path).value_or("");
    if (racy) forget_times(signature);
  } else if (signature.kind == FileKind::file &&
             (racy || look == Look::written || is_written_often(path))) {
    auto digest = content_digest(signature.path);
    if (!digest) return signature_that_never_holds(path);
    signature.digest = std::move(*digest);
    if (racy && (look == Look::written || path.ends_with(".py"))) forget_times(signature);
  }
  return signature;
}

FileSignature signature_that_never_holds(std::string_view path) {
  FileSignature signature;
  signature.path = path;
  signature.kind = FileKind::file;
  signature.size = std::numeric_limits<std::uint64_t>::max();
  return signature;
}

bool holds(FileSignature& recorded) {
  const FileSignature now = take_status(recorded.path, recorded.look);
  if (now.kind != recorded.kind) return false;
  switch (recorded.look) {
    case Look::content:
      return content_holds(recorded, now);
    case Look::status:
    case Look::link:
      return status_holds(recorded, now);
    case Look::written:
      if (recorded.kind == FileKind::file)
        return same_stat(now, recorded) || digest_holds(recorded, now);
      return status_holds(recorded, now);
    case Look::kind:
      return true;
  }
  return false;
}

bool is_run_product(std::string_view name) {
  return name == "__pycache__" || name == ".pytest_cache" || name.ends_with(".pyc");
}

std::string listing_digest(std::vector<std::string> names) {
  std::ranges::sort(names);
  std::string text;
  for (const std::string& name : names) {
    text += name;
    text += '\0';
  }
  return canonical(XXH3_128bits(text.data(), text.size()));
}

}  // namespace hearth::protocol
