// What a fake process is told to do: the arguments of its spec (see fake_zygote.cc).
#pragma once

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "protocol/messages.gen.h"

namespace hearth::tests {

// The text after `name:`, or nothing.
inline std::string argument(const protocol::ProcessSpec& spec, const std::string& name) {
  for (const auto& each : spec.args) {
    if (each.rfind(name + ":", 0) == 0) return each.substr(name.size() + 1);
  }
  return {};
}

inline bool has(const protocol::ProcessSpec& spec, const std::string& name) {
  return std::find(spec.args.begin(), spec.args.end(), name) != spec.args.end();
}

inline std::uint64_t number(const protocol::ProcessSpec& spec, const std::string& name,
                            std::uint64_t otherwise) {
  const auto text = argument(spec, name);
  return text.empty() ? otherwise : std::strtoull(text.c_str(), nullptr, 10);
}

[[noreturn]] inline void hang() {
  for (;;) pause();
}

// Without a sanitizer's handler, which would catch it and exit.
[[noreturn]] inline void crash() {
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
  _exit(99);
}

// `hang:POINT` hangs there each time; `once:POINT=PATH` where the file is, which it removes;
// `until:POINT=PATH` likewise, but goes on when the file is there again.
inline void hang_if_asked(const protocol::ProcessSpec& spec, const std::string& point) {
  if (has(spec, "hang:" + point)) hang();
  for (const auto& each : spec.args) {
    const auto once = "once:" + point + "=";
    if (each.rfind(once, 0) == 0 && unlink(each.substr(once.size()).c_str()) == 0) hang();
    const auto until = "until:" + point + "=";
    if (each.rfind(until, 0) != 0) continue;
    const auto path = each.substr(until.size());
    if (unlink(path.c_str()) != 0) continue;
    while (access(path.c_str(), F_OK) != 0) poll(nullptr, 0, 1);
  }
}

}  // namespace hearth::tests
