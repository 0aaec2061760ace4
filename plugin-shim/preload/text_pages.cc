#include "plugin-shim/preload/text_pages.h"

#include <fcntl.h>
#include <link.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

// Of libc, with no library that it belongs to.
// The name is libc's. NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __cxa_atexit(void (*handler)(void*), void* argument, void* library) noexcept;

namespace hearth::zygote {
namespace {

// linux/userfaultfd.h of newer kernels than the one that this may be built with.
constexpr int kUserModeOnly = 1;
constexpr std::uint64_t kAsynchronously = std::uint64_t{1} << 15U;

// Of an entry of /proc/self/pagemap.
constexpr std::uint64_t kIsPresent = std::uint64_t{1} << 63U;
constexpr std::uint64_t kIsSwapped = std::uint64_t{1} << 62U;
constexpr std::uint64_t kIsOfFile = std::uint64_t{1} << 61U;

// So many commands that end otherwise than by exit() are enough: all do.
constexpr int kMostUntold = 8;

TextPages* observed = nullptr;  // in the fork that it is

std::uintptr_t page_size() {
  static const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Whether this is so of the entries of all these pages. Takes no memory: it is called when a
// program's own allocator has come to its end.
template <class Predicate>
bool are_all(std::uintptr_t begin, std::uintptr_t end, Predicate is_so) {
  const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  std::array<std::uint64_t, 256> entries{};
  bool is_so_of_all = file >= 0;
  for (std::uintptr_t page = begin / page_size(); is_so_of_all && page < end / page_size();) {
    const std::size_t count = std::min(entries.size(), end / page_size() - page);
    const std::size_t size = count * sizeof entries[0];
    is_so_of_all =
        pread(file, entries.data(), size, static_cast<off_t>(page * sizeof entries[0])) ==
            static_cast<ssize_t>(size) &&
        std::all_of(entries.begin(), entries.begin() + count, is_so);
    page += count;
  }
  if (file >= 0) close(file);
  return is_so_of_all;
}

// Whether nothing is lost when they are read from the file again: nobody has written to them.
bool are_of_file(std::uintptr_t begin, std::uintptr_t end) {
  return are_all(begin, end, [](std::uint64_t entry) {
    return (entry & kIsSwapped) == 0 && ((entry & kIsPresent) == 0 || (entry & kIsOfFile) != 0);
  });
}

// Whether one byte of the mapping is its own, as it was.
bool make_private(int memory, std::uintptr_t address) {
  char byte = 0;
  return pread(memory, &byte, 1, static_cast<off_t>(address)) == 1 &&
         pwrite(memory, &byte, 1, static_cast<off_t>(address)) == 1;
}

bool send(int socket, int descriptor) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptor)> room{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

}  // namespace

void TextPages::be_last_at_exit() {
  // What is registered first is called last; libc registers the end of all libraries after this.
  __cxa_atexit([](void*) { tell(); }, nullptr, nullptr);
}

void TextPages::hand_on() {
  struct Search {
    protocol::Fd memory;
    std::vector<Range>* ranges = nullptr;
  } search{protocol::Fd(open("/proc/self/mem", O_RDWR | O_CLOEXEC)), &ranges_};
  if (!search.memory) return;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t /*size*/, void* data) {
        auto& found = *static_cast<Search*>(data);
        if (std::string_view(object->dlpi_name).starts_with("linux-vdso")) return 0;
        for (const auto* header = object->dlpi_phdr;
             header != object->dlpi_phdr + object->dlpi_phnum; ++header) {
          if (header->p_type != PT_LOAD || (header->p_flags & PF_X) == 0 || header->p_filesz == 0)
            continue;
          const std::uintptr_t address = object->dlpi_addr + header->p_vaddr;
          const Range range{
              address / page_size() * page_size(),
              (address + header->p_filesz + page_size() - 1) / page_size() * page_size()};
          const bool is_clean = are_of_file(range.begin, range.end);
          if (!make_private(found.memory.get(), address)) return 1;
          if (is_clean) found.ranges->push_back(range);
        }
        return 0;
      },
      &search);
  std::array<int, 2> sockets{};
  watch_ = watch();
  if (!watch_ || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    return watch_.reset();
  keeper_ = protocol::Fd(sockets[0]);
  sender_ = protocol::Fd(sockets[1]);
  void* const shared =
      mmap(nullptr, 1 + pages(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return forget();
  used_ = static_cast<unsigned char*>(shared);
  if (!drop_all()) forget();
}

// A userfaultfd for these ranges of this process's memory; none: the kernel has no such, or does
// not give it.
protocol::Fd TextPages::watch() const {
  protocol::Fd fd(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | kUserModeOnly)));
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = kAsynchronously;
  if (!fd || ioctl(fd.get(), UFFDIO_API, &api) != 0) return {};
  for (const Range& range : ranges_) {
    uffdio_register wanted{};
    wanted.range = {range.begin, range.end - range.begin};
    wanted.mode = UFFDIO_REGISTER_MODE_WP;
    if (ioctl(fd.get(), UFFDIO_REGISTER, &wanted) != 0) return {};
  }
  return fd;
}

bool TextPages::drop_all() const {
  return std::all_of(ranges_.begin(), ranges_.end(), [](const Range& range) {
    return madvise(reinterpret_cast<void*>(range.begin), range.end - range.begin, MADV_DONTNEED) ==
           0;
  });
}

std::size_t TextPages::pages() const {
  std::size_t count = 0;
  for (const Range& range : ranges_) count += (range.end - range.begin) / page_size();
  return count;
}

void TextPages::close_descriptors() {
  for (protocol::Fd* fd : {&watch_, &keeper_, &sender_}) {
    if (*fd) fd->reset();
  }
}

void TextPages::observe_this() {
  const protocol::Fd own = watch();
  // Kept there until it is closed.
  if (own && send(sender_.get(), own.get()) && drop_all()) observed = this;
}

// In the observed fork, when nothing but libc is still to come.
void TextPages::tell() {
  if (observed == nullptr) return;
  unsigned char* used = observed->used_ + 1;
  for (const Range& range : observed->ranges_) {
    const bool is_told = are_all(range.begin, range.end, [&used](std::uint64_t entry) {
      *used++ = (entry & kIsPresent) != 0 ? 1 : 0;
      return true;
    });
    if (!is_told) return;
  }
  *observed->used_ = 1;
}

void TextPages::ended(pid_t fork) {
  if (used_ == nullptr || fork != observed_) return;
  observed_ = 0;
  if (*used_ == 0) {  // the next one, then
    char byte = 0;
    recv(keeper_.get(), &byte, 1, MSG_DONTWAIT);  // what came with it is closed
    if (++untold_ == kMostUntold) forget();
    return;
  }
  const unsigned char* used = used_ + 1;
  for (const Range& range : ranges_) {
    for (auto page = range.begin; page < range.end; page += page_size()) {
      if (*used++ != 0) static_cast<void>(*reinterpret_cast<const volatile char*>(page));
    }
  }
  forget();
}

void TextPages::forget() {
  if (used_ != nullptr) munmap(used_, 1 + pages());
  used_ = nullptr;
  watch_.reset();
  keeper_.reset();
  sender_.reset();
}

}  // namespace hearth::zygote
