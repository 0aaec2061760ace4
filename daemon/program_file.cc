#include "daemon/program_file.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "protocol/fd.h"

namespace hearth::daemon {
namespace {

#if defined(__x86_64__)
constexpr int machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr int machine = EM_AARCH64;
#else
constexpr int machine = EM_NONE;  // not tried
#endif

class Mapping {
 public:
  explicit Mapping(const protocol::Fd& file, std::size_t size)
      : start_(mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0)), size_(size) {}
  ~Mapping() {
    if (start_ != MAP_FAILED) munmap(start_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::string_view bytes() const {
    return start_ == MAP_FAILED ? std::string_view()
                                : std::string_view(static_cast<const char*>(start_), size_);
  }

 private:
  void* start_;
  std::size_t size_;
};

template <typename Struct>
std::optional<Struct> read_struct(std::string_view bytes, std::uint64_t offset) {
  Struct value;
  if (offset > bytes.size() || bytes.size() - offset < sizeof value) return std::nullopt;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string_view part(std::string_view bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return {};
  return bytes.substr(offset, size);
}

struct Dynamic {
  std::string_view interpreter;
  std::string_view strings;  // of symbols and libraries, each ended by a zero byte
  std::vector<std::string> needed;
};

std::vector<ElfW(Phdr)> segments_of(std::string_view bytes) {
  std::vector<ElfW(Phdr)> segments;
  const auto header = read_struct<ElfW(Ehdr)>(bytes, 0);
  if (!header) return segments;
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    const auto segment = read_struct<ElfW(Phdr)>(bytes, header->e_phoff + i * header->e_phentsize);
    if (segment) segments.push_back(*segment);
  }
  return segments;
}

Dynamic dynamic_of(std::string_view bytes) {
  Dynamic found;
  const auto segments = segments_of(bytes);
  const auto offset_of = [&](std::uint64_t address) {
    for (const auto& each : segments) {
      if (each.p_type == PT_LOAD && address >= each.p_vaddr &&
          address - each.p_vaddr < each.p_filesz)
        return address - each.p_vaddr + each.p_offset;
    }
    return static_cast<std::uint64_t>(bytes.size());
  };
  std::uint64_t strings = 0;
  std::uint64_t strings_size = 0;
  std::vector<std::uint64_t> needed;
  for (const auto& segment : segments) {
    if (segment.p_type == PT_INTERP)
      found.interpreter = part(bytes, segment.p_offset, segment.p_filesz);
    if (segment.p_type != PT_DYNAMIC) continue;
    for (std::uint64_t at = 0; at < segment.p_filesz; at += sizeof(ElfW(Dyn))) {
      const auto entry = read_struct<ElfW(Dyn)>(bytes, segment.p_offset + at);
      if (!entry || entry->d_tag == DT_NULL) break;
      if (entry->d_tag == DT_NEEDED) needed.push_back(entry->d_un.d_val);
      if (entry->d_tag == DT_STRTAB) strings = offset_of(entry->d_un.d_ptr);
      if (entry->d_tag == DT_STRSZ) strings_size = entry->d_un.d_val;
    }
  }
  found.strings = part(bytes, strings, strings_size);
  for (const auto name : needed) {
    const auto rest =
        part(found.strings, name,
             found.strings.size() - std::min<std::uint64_t>(name, found.strings.size()));
    found.needed.emplace_back(rest.substr(0, rest.find('\0')));
  }
  return found;
}

bool is_of_this_machine(std::string_view bytes) {
  const auto header = read_struct<ElfW(Ehdr)>(bytes, 0);
  return header && std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
         header->e_ident[EI_CLASS] == (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32) &&
         header->e_machine == machine && (header->e_type == ET_EXEC || header->e_type == ET_DYN);
}

bool begins_with(const std::vector<std::string>& names, std::string_view beginning) {
  return std::any_of(names.begin(), names.end(),
                     [&](const auto& name) { return name.starts_with(beginning); });
}

tl::unexpected<std::string> refused(std::string why) { return tl::unexpected(std::move(why)); }

}  // namespace

tl::expected<ProgramFile, std::string> examine_program(const std::string& path) {
  const protocol::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0)
    return refused(std::string("cannot be read: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode) || status.st_size <= 0) return refused("is no program");
  const bool is_privileged = (status.st_mode & (S_ISUID | S_ISGID)) != 0 ||
                             fgetxattr(file.get(), "security.capability", nullptr, 0) >= 0;
  if (is_privileged) return refused("has privileges of its own (set-uid, capabilities)");
  const Mapping mapping(file, static_cast<std::size_t>(status.st_size));
  const auto bytes = mapping.bytes();
  if (bytes.starts_with("#!")) return refused("is a script");
  if (!is_of_this_machine(bytes)) return refused("is no native program of this machine");
  const auto dynamic = dynamic_of(bytes);
  if (dynamic.interpreter.empty()) return refused("is linked statically");
  const bool starts_in_libc =
      dynamic.interpreter.find("/ld-linux") != std::string_view::npos &&
      begins_with(dynamic.needed, "libc.so.6") &&
      dynamic.strings.find(std::string_view("\0__libc_start_main\0", 19)) != std::string_view::npos;
  if (!starts_in_libc) return refused("is not started by the GNU C library");
  ProgramFile program;
  for (const auto& name : dynamic.needed) {
    if (name.starts_with("libasan.") || name.starts_with("libtsan.") ||
        name.starts_with("liblsan.") || name.starts_with("libhwasan."))
      program.first.push_back(name);
  }
  return program;
}

}  // namespace hearth::daemon
