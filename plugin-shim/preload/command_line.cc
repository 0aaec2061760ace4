#include "plugin-shim/preload/command_line.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace hearth::zygote {
namespace {

constexpr int kFirst = 3;  // the number of the field behind the name, as proc(5) counts them
constexpr int kLast = 47;

}  // namespace

CommandLine::CommandLine() {
  read_auxiliary();
  std::array<char, 4096> text{};
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t size = read(fd, text.data(), text.size() - 1);
  close(fd);
  const char* at = size > 0 ? std::strrchr(text.data(), ')') : nullptr;
  if (at == nullptr) return;
  at += 2;
  std::array<unsigned long long, kLast + 1> fields{};
  for (int number = kFirst; number <= kLast; ++number) {
    fields[static_cast<std::size_t>(number)] = std::strtoull(at, nullptr, 10);
    at = std::strchr(at, ' ');
    if (at == nullptr) {
      if (number < kLast) return;
      break;
    }
    ++at;
  }
  parts_.start_code = fields[26];
  parts_.end_code = fields[27];
  parts_.start_stack = fields[28];
  parts_.start_data = fields[45];
  parts_.end_data = fields[46];
  parts_.start_brk = fields[47];
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    environment_.append(*entry).push_back('\0');
  parts_.env_start = reinterpret_cast<std::uintptr_t>(environment_.data());
  parts_.env_end = parts_.env_start + environment_.size();
  parts_.exe_fd = static_cast<__u32>(-1);  // stays
  is_known_ = parts_.start_code != 0;
}

void CommandLine::read_auxiliary() {
  const int fd = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  std::uintptr_t word = 0;
  while (read(fd, &word, sizeof word) == sizeof word)
    auxiliary_.push_back(reinterpret_cast<char*>(word));  // NOLINT(performance-no-int-to-ptr)
  close(fd);
}

char** CommandLine::set(const std::vector<std::string>& words) {
  for (const std::string& word : words) text_.append(word).push_back('\0');
  std::size_t begin = 0;
  for (const std::string& word : words) {
    pointers_.push_back(text_.data() + begin);
    begin += word.size() + 1;
  }
  pointers_.push_back(nullptr);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    pointers_.push_back(*entry);
  pointers_.push_back(nullptr);
  pointers_.insert(pointers_.end(), auxiliary_.begin(), auxiliary_.end());
  if (is_known_) {
    parts_.arg_start = reinterpret_cast<std::uintptr_t>(text_.data());
    parts_.arg_end = parts_.arg_start + text_.size();
    parts_.brk = static_cast<__u64>(syscall(SYS_brk, 0));
    prctl(PR_SET_MM, PR_SET_MM_MAP, &parts_, sizeof parts_, 0);
  }
  return pointers_.data();
}

}  // namespace hearth::zygote
