// Whole conversations, kept as text files: `> event` and the `< command`s that answer it.
//
// A file begins with `slots N`; `at SECONDS` sets the time of what follows; `#` begins a comment.
// To see what a changed scheduler would answer: HEARTH_REWRITE_TRANSCRIPTS=1 writes the answers
// into the files; read the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

std::vector<std::filesystem::path> transcripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(HEARTH_TRANSCRIPTS)) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The same transcript, with the answers that the scheduler gives now.
std::string play(const std::string& transcript) {
  std::istringstream lines(transcript);
  std::string played;
  std::optional<World> world;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("< ", 0) == 0) continue;
    played += line + "\n";
    if (line.rfind("slots ", 0) == 0)
      world.emplace(static_cast<std::uint32_t>(std::stoul(line.substr(6))));
    if (line.rfind("at ", 0) == 0) world.value().at(line.substr(3));
    if (line.rfind("> ", 0) != 0) continue;
    for (const auto& command : world.value().when(line.substr(2))) played += "< " + command + "\n";
  }
  return played;
}

TEST(Transcripts, are_answered_as_written) {
  const auto paths = transcripts();
  ASSERT_GE(paths.size(), 4U);
  for (const auto& path : paths) {
    const std::string written = read(path);
    const std::string played = play(written);
    EXPECT_NE(written.find("\n< "), std::string::npos) << path << " expects nothing";
    EXPECT_EQ(played, written) << path;
    if (std::getenv("HEARTH_REWRITE_TRANSCRIPTS") != nullptr) std::ofstream(path) << played;
  }
}

}  // namespace
}  // namespace hearth::scheduler
