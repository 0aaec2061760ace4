#include "plugin-shim/preload/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <set>
#include <utility>

#include "plugin-shim/preload/this_program.h"
#include "protocol/signature.h"

namespace hearth::recorder {
namespace {

using protocol::FileKind;
using protocol::FileSignature;
using protocol::Look;

// How long before somebody watched a file must have been at rest to count as what was read.
constexpr std::int64_t quiet_ns = 2'000'000'000;

// How far a file's times may lie behind the clock.
constexpr std::int64_t clock_tick_ns = 50'000'000;

constexpr std::string_view cache_tag = ".cpython-";

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// As `holds` judges it, for signatures of which nobody has read the content in between.
bool is_unchanged(const FileSignature& before, const FileSignature& now) {
  if (before.kind != now.kind) return false;
  if (before.kind == FileKind::directory && before.look != Look::content)
    return before.device == now.device && before.inode == now.inode && before.mode == now.mode;
  return same_stat(before, now);
}

// Whether a .pyc was made of the source that has this signature; true when Python will not use it.
bool pyc_fits(const std::string& path, const FileSignature& source) {
  std::array<unsigned char, 16> header{};
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;
  const ssize_t got = ::read(fd, header.data(), header.size());
  close(fd);
  if (got != static_cast<ssize_t>(header.size())) return true;
  const auto word = [&](std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{header[offset + i]} << (8 * i);
    return value;
  };
  if (word(4) != 0) return false;  // checked by hash, or not at all
  const FileSignature status = protocol::take_status(source.path, Look::content);
  return word(8) == static_cast<std::uint32_t>(status.mtime_ns / 1'000'000'000) &&
         word(12) == static_cast<std::uint32_t>(status.size);
}

// Whether Python takes this .pyc although its source has changed since it was written: it knows a
// source by its size and the second of its time. (A tree that was copied with its times looks so
// too.)
bool is_doubtful(const std::string& pyc, const FileSignature& source) {
  const FileSignature written = protocol::take_status(pyc, Look::content);
  return written.kind == FileKind::file &&
         written.mtime_ns < protocol::take_status(source.path, Look::content).ctime_ns &&
         pyc_fits(pyc, source);
}

// What tells a process's arguments, id, environment, descriptors or age, or another thing each
// time.
bool is_own_entry(std::string_view path) {
  if (path == "/dev/urandom" || path == "/dev/random" || path == "/proc/uptime" ||
      path == "/proc/stat" || path.starts_with("/proc/sys/kernel/random/"))
    return true;
  if (!path.starts_with("/proc/self/") && !path.starts_with("/proc/thread-self/")) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name == "cmdline" || name == "stat" || name == "status" || name == "environ" ||
         name == "comm" || name == "fd" || name == "task" || name == "maps" || name == "smaps";
}

// The inodes of the files that this process can still write to.
std::set<std::pair<dev_t, ino_t>> open_for_writing() {
  std::set<std::pair<dev_t, ino_t>> found;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return found;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    struct stat status {};
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(fd, &status) != 0) continue;
    found.emplace(status.st_dev, status.st_ino);
  }
  closedir(directory);
  return found;
}

}  // namespace

void Record::begin_stage() {
  written_in_stage_.clear();
  unsettled_.clear();
  ++stage_;
  stage_started_ns_ = now_ns();
}

void Record::leave_nothing_out() {
  knows_python_ = false;
  ignored_.clear();
}

// Whoever is forked from here begins without these: to free them would cost each fork its pages.
std::vector<FileSignature> Record::end_stage() {
  add_libraries();
  add_written();
  return std::exchange(files_, {});
}

void Record::read(const std::string& path) {
  if (own_entry_.empty() && is_own_entry(path)) own_entry_ = path;
  std::string source = source_of(path);
  if (source.empty()) return;
  // Python looked at the .pyc, found that it is not the source's, and now reads the source: this
  // is the read that counts.
  const bool settles = std::exchange(unsettled_, {}) == source && source == path;
  if (settles) {
    Seen& seen = index(Look::content)[source];
    if (seen.position != nowhere) {
      files_[seen.position] = seen.signature = protocol::take_signature(source, Look::content);
      return;
    }
  }
  if (is_ignored(source) || written_.contains(source)) return;
  if (is_known(source, Look::content)) return;
  // Importers look at a source's times before they open its .pyc, and go by what they saw.
  const auto status = index(Look::status).find(source);
  const bool was_looked_at = status != index(Look::status).end() && status->second.stage == stage_;
  FileSignature signature = protocol::take_status(source, Look::content);
  signature = was_looked_at && !is_unchanged(status->second.signature, signature)
                  ? protocol::signature_that_never_holds(source)
                  : protocol::complete(std::move(signature));
  // A source that has just changed, and a .pyc that is another's: either the source is read next,
  // or it changed after Python had compared the two, and the old .pyc is what is loaded.
  const bool is_racy = signature.mtime_ns == 0 && !signature.digest.empty();
  if (source != path && is_racy && !pyc_fits(path, signature)) {
    signature = protocol::signature_that_never_holds(source);
    unsettled_ = source;
  } else if (source != path && !signature.digest.empty() && is_doubtful(path, signature)) {
    // The content of the source says nothing about what is loaded; as long as nobody touches the
    // two, Python takes the .pyc.
    if (is_racy) signature = protocol::signature_that_never_holds(source);
    signature.digest.clear();
    if (!is_known(path, Look::content))
      add(path, Look::content, protocol::take_signature(path, Look::content));
  }
  if (was_looked_at && status->second.position != nowhere) {  // the content covers it
    Seen& seen = index(Look::content)[source];
    seen = {std::move(signature), stage_, status->second.position};
    files_[seen.position] = seen.signature;
    index(Look::status).erase(status);
    return;
  }
  add(source, Look::content, std::move(signature));
}

void Record::look(const std::string& path, Look look) {
  if (look == Look::status && path == only_kind_of_) {
    look = Look::kind;
    if (is_only_once_) only_kind_of_.clear();
  }
  if (is_ignored(path) || is_product(path) || written_.contains(path)) return;
  if (is_known(path, look)) return;
  if (look != Look::link && is_known(path, Look::content)) return;
  if (look == Look::kind && is_known(path, Look::status)) return;
  FileSignature signature = protocol::take_signature(path, look);
  if (look == Look::status && signature.kind != FileKind::absent) {
    const auto link = index(Look::link).find(path);
    if (link != index(Look::link).end() && link->second.stage == stage_ &&
        is_unchanged(link->second.signature, signature))
      return;
  }
  add(path, look, std::move(signature));
}

void Record::wrote(std::string path, bool anew) {
  if (is_product(path) || is_ignored(path)) return;
  if (anew) begun_.insert(path);
  written_in_stage_.insert(path);
  written_.insert(std::move(path));
}

// Whether this stage, or an earlier one that would find it unchanged, has recorded it.
bool Record::is_known(const std::string& path, Look look) {
  const auto found = index(look).find(path);
  if (found == index(look).end()) return false;
  Seen& seen = found->second;
  if (seen.stage == stage_) return true;
  FileSignature now = protocol::take_status(path, look);
  if (!is_unchanged(seen.signature, now)) return false;
  seen.stage = stage_;
  seen.position = nowhere;
  return true;
}

void Record::add(const std::string& path, Look look, FileSignature signature) {
  index(look)[path] = {signature, stage_, files_.size()};
  files_.push_back(std::move(signature));
}

bool Record::is_ignored(std::string_view path) const {
  return std::any_of(ignored_.begin(), ignored_.end(), [&](const std::string& prefix) {
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  });
}

// Byte code, its directories, and whatever is below pytest's cache directory.
bool Record::is_product(std::string_view path) const {
  if (!knows_python_) return false;
  if (path.ends_with(".pyc")) return true;
  for (const std::string_view name : {"/__pycache__", "/.pytest_cache"}) {
    const std::size_t at = path.find(name);
    if (at != std::string_view::npos &&
        (at + name.size() == path.size() || path[at + name.size()] == '/'))
      return true;
  }
  return !cache_prefix_.empty() && path.starts_with(cache_prefix_);
}

// The path itself; the source that a .pyc stands for; empty for what is not recorded.
std::string Record::source_of(const std::string& path) const {
  if (!knows_python_) return path;
  const std::size_t slash = path.rfind('/');
  const std::string_view name = std::string_view(path).substr(slash + 1);
  if (name == "__pycache__") return {};
  std::string_view directory = std::string_view(path).substr(0, slash);
  const bool is_cache = directory.ends_with("/__pycache__");
  const bool is_prefixed = !cache_prefix_.empty() && directory.starts_with(cache_prefix_);
  if (!is_cache && !is_prefixed) return path;
  const std::size_t tag = name.rfind(cache_tag);
  if (tag == std::string_view::npos) return is_cache ? std::string() : path;
  if (is_cache) directory.remove_suffix(std::string_view("/__pycache__").size());
  if (is_prefixed) directory.remove_prefix(cache_prefix_.size());
  return std::string(directory) + "/" + std::string(name.substr(0, tag)) + ".py";
}

void Record::add_written() {
  const auto open = open_for_writing();
  for (const std::string& path : written_in_stage_) {
    if (is_ignored(path)) continue;
    FileSignature signature = protocol::take_status(path, Look::written);
    if (signature.kind != FileKind::file && signature.kind != FileKind::directory) continue;
    if (open.contains({signature.device, signature.inode})) continue;
    files_.push_back(protocol::take_signature(path, Look::written));
  }
}

// The dynamic loader opens them without asking libc.
void Record::add_libraries() {
  std::vector<std::string> loaded;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* list) {
        if (info->dlpi_name != nullptr && info->dlpi_name[0] == '/')
          static_cast<std::vector<std::string>*>(list)->emplace_back(info->dlpi_name);
        return 0;
      },
      &loaded);
  if (std::string program = this_program(); !program.empty()) loaded.push_back(std::move(program));
  for (const std::string& path : loaded) {
    if (!libraries_.insert(path).second) continue;
    if (is_ignored(path) || is_known(path, Look::content)) continue;
    FileSignature signature = protocol::take_signature(path, Look::content);
    const std::int64_t at_rest_since =
        loading_began_ns_ != 0 ? loading_began_ns_ - clock_tick_ns : stage_started_ns_ - quiet_ns;
    if (signature.ctime_ns > at_rest_since) signature = protocol::signature_that_never_holds(path);
    add(path, Look::content, std::move(signature));
  }
}

}  // namespace hearth::recorder
