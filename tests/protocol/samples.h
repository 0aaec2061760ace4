// Messages and files that the tests of this folder share.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "protocol/frame.h"
#include "protocol/messages.gen.h"

namespace hearth::protocol {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// golden/*.bin, in the order of their names.
inline std::vector<std::filesystem::path> golden_vectors() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(HEARTH_GOLDEN_DIRECTORY)) {
    if (entry.path().extension() == ".bin") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// The beginning of a conversation.
inline std::vector<Message> handshake() {
  SubmitRun submit;
  submit.ticket = std::string("\x00\xff ticket", 9);
  submit.spec.python = "/usr/bin/python3";
  submit.spec.args = {"-x", "tests/\xe9.py"};
  submit.spec.environment = {"LANG=C"};
  return {Hello{.protocol = 1, .features = {"pytest"}, .version = "0.1.0"},
          Welcome{.protocol = 1, .features = {"pytest"}, .version = "0.1.0", .pid = 4711}, submit,
          RunAccepted{.run = 300}, GetStatus{}};
}

inline std::string framed(const std::vector<Message>& messages) {
  std::string bytes;
  for (const Message& message : messages) {
    if (!append_frame(bytes, message)) return "";
  }
  return bytes;
}

}  // namespace hearth::protocol
