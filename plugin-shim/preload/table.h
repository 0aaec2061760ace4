// What the preloaded library offers to the process's owner (the native module of the Python side),
// which finds it by its name. Both are of one build: the structs are the same.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "plugin-shim/preload/identity.h"
#include "protocol/messages.gen.h"

namespace hearth::recorder {

struct Table {
  std::size_t size = sizeof(Table);  // else it is another build's

  // Recording is on from the load of the library on, and off after each fork.
  void (*switch_on)(bool on);
  void (*begin_stage)();
  // Takes what was read since then; call it once, while recording is off.
  std::vector<protocol::FileSignature> (*end_stage)();

  void (*ignore)(const std::string& path);            // and what is below it, from here on
  void (*set_cache_prefix)(const std::string& path);  // sys.pycache_prefix
  void (*read)(const std::string& path);              // by a way that the library does not see
  std::string (*only_kind_of)(const std::string& path, bool once);  // see record.h
  bool (*began)(const std::string& path);  // opened to be written anew, in any stage

  // Names; each begins a new list. Writes: an empty name stands for all of them.
  std::vector<std::string> (*take_variables_read)();
  std::vector<std::string> (*take_variables_written)();

  void (*listen_to_identities)(IdentityListener tell);
};

inline constexpr const char* table_name = "hearth_recorder_table";

}  // namespace hearth::recorder
