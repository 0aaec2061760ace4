#include "plugin-shim/ctest/checkpoint.h"

#include <fcntl.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

#include "protocol/write_all.h"

namespace hearth::ctest {

std::vector<int> Checkpoint::read() const {
  std::vector<int> numbers;
  std::ifstream stream(file_);
  for (std::string line; std::getline(stream, line);) numbers.push_back(std::atoi(line.c_str()));
  return numbers;
}

void Checkpoint::remove() {
  std::error_code error;
  std::filesystem::remove(file_, error);
}

void Checkpoint::add(int number) {
  constexpr int kEverybodyReads = 0666;  // less the umask
  if (!stream_) {
    stream_ = protocol::Fd(
        open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kEverybodyReads));
  }
  if (stream_) protocol::write_all(stream_.get(), std::to_string(number) + "\n");
}

}  // namespace hearth::ctest
