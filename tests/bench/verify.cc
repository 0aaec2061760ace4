// How long hearthd takes to look at a stage's files again: verify_bench NUMBER DIRECTORY
// Makes that many files in the (empty) directory, half of them sources, and prints the milliseconds
// of one verification with warm caches: the median of many.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "daemon/trace.h"
#include "protocol/signature.h"

namespace {

constexpr int rounds = 25;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int number = std::atoi(argv[1]);
  const std::filesystem::path directory = argv[2];
  std::vector<std::string> paths;
  for (int i = 0; i < number; ++i) {
    const auto folder = directory / ("package" + std::to_string(i / 100));
    std::filesystem::create_directories(folder);
    const auto path = folder / ((i % 2 == 0 ? "module" : "data") + std::to_string(i) +
                                (i % 2 == 0 ? ".py" : ".txt"));
    std::ofstream(path) << "VALUE = " << i << '\n';
    paths.push_back(path.string());
  }
  // What has just changed is compared by content; a project mostly has not.
  std::this_thread::sleep_for(2 * hearth::protocol::racy_window);
  std::vector<hearth::protocol::FileSignature> files;
  for (const auto& path : paths)
    files.push_back(hearth::protocol::take_signature(path, hearth::protocol::Look::content));
  hearth::daemon::Trace trace;
  trace.add(std::move(files));
  std::vector<double> milliseconds;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (trace.first_difference()) return 1;
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::nth_element(milliseconds.begin(), milliseconds.begin() + rounds / 2, milliseconds.end());
  fmt::print("{:.3f}\n", milliseconds[rounds / 2]);
  return 0;
}
