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
  return ctime_ns > to_ns(now) - std::chrono::nanoseconds(racy_window).count();
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

// The stat fields only; the kind is absent or other where there are none.
FileSignature stat_signature(const std::string& path) {
  FileSignature signature;
  signature.path = path;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    // Anything but "not there" (no permission, a loop of links) is something whose content nobody
    // saw.
    signature.kind = errno == ENOENT || errno == ENOTDIR ? FileKind::absent : FileKind::other;
    return signature;
  }
  signature.kind = S_ISREG(status.st_mode)   ? FileKind::file
                   : S_ISDIR(status.st_mode) ? FileKind::directory
                                             : FileKind::other;
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

bool same_stat(const FileSignature& a, const FileSignature& b) {
  return a.kind == b.kind && a.device == b.device && a.inode == b.inode && a.mode == b.mode &&
         a.size == b.size && a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns;
}

}  // namespace

FileSignature take_signature(std::string_view path) {
  // stat comes before the content: a change in between is then a difference, never hidden.
  FileSignature signature = stat_signature(std::string(path));
  if (signature.kind == FileKind::directory) {
    // Without its times a racy directory never equals its stat, so that `holds` reads it again.
    if (is_racy(signature.ctime_ns)) signature.mtime_ns = signature.ctime_ns = 0;
    signature.digest = directory_digest(signature.path).value_or("");
  } else if (signature.kind == FileKind::file && is_racy(signature.ctime_ns)) {
    auto digest = content_digest(signature.path);
    if (!digest) return signature_that_never_holds(path);
    signature.digest = std::move(*digest);
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

bool holds(const FileSignature& recorded) {
  const FileSignature now = stat_signature(recorded.path);
  if (now.kind != recorded.kind) return false;
  switch (recorded.kind) {
    case FileKind::absent:
      return true;
    case FileKind::other:
      return same_stat(now, recorded);
    case FileKind::file:
      return same_stat(now, recorded) &&
             (recorded.digest.empty() || content_digest(recorded.path) == recorded.digest);
    case FileKind::directory:
      return same_stat(now, recorded) ||
             directory_digest(recorded.path).value_or("") == recorded.digest;
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
