// Testing/Temporary/CTestCheckpoint.txt: the numbers of the tests that a run has finished, as long
// as it goes on; what an interrupted run leaves is for `-F`.
#pragma once

#include <filesystem>
#include <vector>

#include "protocol/fd.h"

namespace hearth::ctest {

class Checkpoint {
 public:
  explicit Checkpoint(std::filesystem::path file) : file_(std::move(file)) {}

  // What an earlier run has left.
  std::vector<int> read() const;
  void remove();
  void add(int number);

 private:
  std::filesystem::path file_;
  protocol::Fd stream_;
};

}  // namespace hearth::ctest
