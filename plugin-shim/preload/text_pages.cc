#include "plugin-shim/preload/text_pages.h"

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <string_view>

#include "protocol/fd.h"

namespace hearth::zygote {
namespace {

// Of one loaded object: the first byte of each executable segment is written as it is.
int make_private(dl_phdr_info* object, std::size_t /*size*/, void* memory) {
  if (std::string_view(object->dlpi_name).starts_with("linux-vdso")) return 0;
  for (const auto* header = object->dlpi_phdr; header != object->dlpi_phdr + object->dlpi_phnum;
       ++header) {
    if (header->p_type != PT_LOAD || (header->p_flags & PF_X) == 0 || header->p_filesz == 0)
      continue;
    const auto address = object->dlpi_addr + header->p_vaddr;
    const int fd = *static_cast<const int*>(memory);
    char byte = 0;
    if (pread(fd, &byte, 1, static_cast<off_t>(address)) != 1 ||
        pwrite(fd, &byte, 1, static_cast<off_t>(address)) != 1)
      return 1;
  }
  return 0;
}

}  // namespace

void let_forks_inherit_text() {
  const protocol::Fd memory(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
  int fd = memory.get();
  if (fd >= 0) dl_iterate_phdr(&make_private, &fd);
}

}  // namespace hearth::zygote
