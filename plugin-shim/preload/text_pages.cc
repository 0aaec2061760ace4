#include "plugin-shim/preload/text_pages.h"

#include <fcntl.h>
#include <link.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace hearth::zygote {
namespace {

// linux/userfaultfd.h of newer kernels than the one that this may be built with.
constexpr int kUserModeOnly = 1;
constexpr int kPopulateRead = 22;  // asm-generic/mman-common.h, MADV_POPULATE_READ
constexpr std::uint64_t kAsynchronously = std::uint64_t{1} << 15U;

// Of an entry of /proc/self/pagemap.
constexpr std::uint64_t kIsPresent = std::uint64_t{1} << 63U;
constexpr std::uint64_t kIsSwapped = std::uint64_t{1} << 62U;
constexpr std::uint64_t kIsOfFile = std::uint64_t{1} << 61U;

// Each of so many is looked at every so often for so long: between them they are seen in all that
// they do, to their last moments.
constexpr int kMostObserved = 16;
constexpr std::size_t kMostAtOnce = 8;
constexpr auto kBetweenLooks = std::chrono::microseconds(100);
constexpr auto kLooked = std::chrono::milliseconds(10);

std::uintptr_t page_size() {
  static const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// The entries of these pages; false: they cannot be read, the process has no memory any more.
template <class Visitor>
bool visit_entries(int page_map, std::uintptr_t begin, std::uintptr_t end, Visitor visit) {
  std::array<std::uint64_t, 512> entries{};
  for (std::uintptr_t page = begin / page_size(); page < end / page_size();) {
    const std::size_t count = std::min(entries.size(), end / page_size() - page);
    const std::size_t size = count * sizeof entries[0];
    if (pread(page_map, entries.data(), size, static_cast<off_t>(page * sizeof entries[0])) !=
        static_cast<ssize_t>(size))
      return false;
    std::for_each(entries.begin(), entries.begin() + count, visit);
    page += count;
  }
  return true;
}

// Whether nothing is lost when they are read from the file again: nobody has written to them.
bool are_of_file(std::uintptr_t begin, std::uintptr_t end) {
  const protocol::Fd file(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  bool are = true;
  return file &&
         visit_entries(file.get(), begin, end,
                       [&are](std::uint64_t entry) {
                         const bool is_of_file =
                             (entry & kIsPresent) == 0 || (entry & kIsOfFile) != 0;
                         are = are && is_of_file && (entry & kIsSwapped) == 0;
                       }) &&
         are;
}

// Whether one byte of the mapping is its own, as it was.
bool make_private(int memory, std::uintptr_t address) {
  char byte = 0;
  return pread(memory, &byte, 1, static_cast<off_t>(address)) == 1 &&
         pwrite(memory, &byte, 1, static_cast<off_t>(address)) == 1;
}

// A message: the sender's process id, and its descriptor.
struct Parcel {
  pid_t sender = 0;
  iovec data{&sender, sizeof sender};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};

  Parcel() {
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
  }
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;
};

bool send(int socket, int descriptor) {
  Parcel parcel;
  parcel.sender = getpid();
  cmsghdr* const header = CMSG_FIRSTHDR(&parcel.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return sendmsg(socket, &parcel.message, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

// None: nothing has come.
std::pair<pid_t, protocol::Fd> receive(int socket) {
  Parcel parcel;
  if (recvmsg(socket, &parcel.message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) return {};
  int descriptor = -1;
  if (cmsghdr* const header = CMSG_FIRSTHDR(&parcel.message); header != nullptr)
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return {parcel.sender, protocol::Fd(descriptor)};
}

// Each observed command takes two descriptors here.
bool has_room_for_descriptors() {
  constexpr rlim_t kEnough = 256;
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= kEnough;
}

}  // namespace

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
          constexpr auto kReadAndExecuted = static_cast<unsigned>(PF_R | PF_X);
          if (header->p_type != PT_LOAD || header->p_filesz == 0 ||
              (header->p_flags & kReadAndExecuted) != kReadAndExecuted)
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
  if (!has_room_for_descriptors()) return;
  std::array<int, 2> sockets{};
  watch_ = watch();
  if (!watch_ || !drop_all() ||
      socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    return watch_.reset();
  keeper_ = protocol::Fd(sockets[0]);
  sender_ = protocol::Fd(sockets[1]);
  used_.resize(pages());
  is_observing_ = true;
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

bool TextPages::is_observing() const { return is_observing_ && observed_.size() < kMostAtOnce; }

void TextPages::close_descriptors() {
  if (!is_observing_) return;
  for (const protocol::Fd* fd : {&watch_, &keeper_, &sender_}) close(fd->get());
  for (const auto& [fork, observed] : observed_) {
    close(observed.page_map.get());
    if (observed.watch) close(observed.watch.get());
  }
}

void TextPages::be_observed() {
  const protocol::Fd own = watch();
  // The zygote has it as long as this lives.
  if (own && send(sender_.get(), own.get())) drop_all();
}

void TextPages::begun(pid_t fork) {
  const std::string path = "/proc/" + std::to_string(fork) + "/pagemap";
  protocol::Fd page_map(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  observed_.emplace(fork, Observed{std::move(page_map), {}, Clock::now() + kLooked});
}

std::optional<TextPages::Clock::time_point> TextPages::next_look() const {
  const auto now = Clock::now();
  const bool is_any_young =
      std::any_of(observed_.begin(), observed_.end(),
                  [now](const auto& each) { return each.second.until > now; });
  return is_any_young ? std::optional(looked_at_ + kBetweenLooks) : std::nullopt;
}

void TextPages::take_watches() {
  for (auto [fork, watch] = receive(keeper_.get()); fork != 0;
       std::tie(fork, watch) = receive(keeper_.get())) {
    if (const auto found = observed_.find(fork); found != observed_.end())
      found->second.watch = std::move(watch);
  }
}

void TextPages::look() {
  take_watches();
  for (const auto& [fork, observed] : observed_) {
    std::size_t page = 0;
    const auto note = [&](std::uint64_t entry) {
      used_[page] = used_[page] || (entry & kIsPresent) != 0;
      ++page;
    };
    for (const Range& range : ranges_) {
      if (!visit_entries(observed.page_map.get(), range.begin, range.end, note)) break;
    }
  }
  looked_at_ = Clock::now();
}

void TextPages::ended(pid_t fork) {
  if (!is_observing_) return;
  take_watches();
  if (observed_.erase(fork) > 0 && ++ended_ == kMostObserved) learn();
}

void TextPages::learn() {
  std::size_t index = 0;
  for (const Range& range : ranges_) {
    for (auto page = range.begin; page < range.end; page += page_size(), ++index) {
      // An error: it is not there any more.
      if (used_[index]) madvise(reinterpret_cast<void*>(page), page_size(), kPopulateRead);
    }
  }
  observed_.clear();
  is_observing_ = false;
  watch_.reset();
  keeper_.reset();
  sender_.reset();
}

}  // namespace hearth::zygote
