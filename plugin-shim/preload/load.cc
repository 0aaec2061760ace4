// The library's way into a process, and what it offers there.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "plugin-shim/preload/gate.h"
#include "plugin-shim/preload/table.h"

namespace hearth::recorder {
namespace {

std::vector<std::string> taken(std::set<std::string> NativeEnvironment::*names) {
  const Passage passage{Passage::AsOwner{}};
  const auto all = std::exchange(Passage::environment().*names, {});
  return {all.begin(), all.end()};
}

std::string own_path() {
  Dl_info info{};
  if (dladdr(&is_open, &info) == 0 || info.dli_fname == nullptr) return {};
  return info.dli_fname;
}

// The environment as it would be without this library, which the daemon put before the user's own,
// after a sanitizer's if there is one.
void restore_environment(const std::string& own) {
  constexpr std::string_view name = "LD_PRELOAD=";
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto at =
        text.starts_with(name) && !own.empty() ? text.find(own) : std::string_view::npos;
    if (at == std::string_view::npos) continue;
    const std::string_view rest = text.substr(at + own.size());
    if (rest.empty()) {
      for (char** it = entry; *it != nullptr; ++it) *it = it[1];
    } else if (rest[0] == ':') {
      *entry = strdup((std::string(name) + std::string(rest.substr(1))).c_str());
    }
    return;
  }
}

__attribute__((constructor)) void load() {
  const Passage passage{Passage::AsOwner{}};
  const std::string own = own_path();
  restore_environment(own);
  if (const auto slash = own.rfind('/'); slash != std::string::npos)
    Passage::record().ignore(own.substr(0, slash));
  if (const char* prefix = std::getenv("PYTHONPYCACHEPREFIX"); prefix != nullptr)
    Passage::record().set_cache_prefix(prefix);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const Table hearth_recorder_table;
const Table hearth_recorder_table = {
    .switch_on = [](bool on) { is_open.store(on, std::memory_order_relaxed); },
    .begin_stage =
        [] {
          const Passage passage{Passage::AsOwner{}};
          Passage::record().begin_stage();
        },
    .end_stage =
        [] {
          const Passage passage{Passage::AsOwner{}};
          return Passage::record().end_stage();
        },
    .ignore =
        [](const std::string& path) {
          const Passage passage{Passage::AsOwner{}};
          Passage::record().ignore(path);
        },
    .set_cache_prefix =
        [](const std::string& path) {
          const Passage passage{Passage::AsOwner{}};
          Passage::record().set_cache_prefix(path);
        },
    .read =
        [](const std::string& path) {
          const Passage passage{Passage::AsOwner{}};
          if (const std::string name = absolute(AT_FDCWD, path.c_str()); !name.empty())
            Passage::record().read(name);
        },
    .only_kind_of =
        [](const std::string& path, bool once) {
          const Passage passage{Passage::AsOwner{}};
          return Passage::record().only_kind_of(path, once);
        },
    .began =
        [](const std::string& path) {
          const Passage passage{Passage::AsOwner{}};
          return Passage::record().began(path);
        },
    .take_variables_read = [] { return taken(&NativeEnvironment::reads); },
    .take_variables_written = [] { return taken(&NativeEnvironment::writes); },
    .listen_to_identities = listen_to_identities,
};

}  // namespace hearth::recorder
