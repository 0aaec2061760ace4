// Testing/Temporary/LastTest.log and its kin.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin-shim/ctest/result.h"
#include "protocol/fd.h"

namespace hearth::ctest {

// "Nov 20 18:51 UTC", local.
std::string clock_text(std::chrono::system_clock::time_point time);

// Written beside the last one, in whose place it is put at the end.
class TestLog {
 public:
  explicit TestLog(std::filesystem::path file);
  ~TestLog();
  TestLog(const TestLog&) = delete;
  TestLog& operator=(const TestLog&) = delete;

  bool is_open() const { return static_cast<bool>(file_); }
  void add(std::string_view text);
  // `output`: all that it wrote. `registered`: how many tests there are.
  void add_test(const Result& result, std::size_t registered, const std::string& output);
  void close();

 private:
  std::filesystem::path path_;
  protocol::Fd file_;
  std::string pending_;
};

// `NUMBER:NAME` per line; there is no file where nothing is to be listed, and an old one stays.
bool write_list(const std::filesystem::path& file,
                const std::vector<std::pair<int, std::string>>& tests);

}  // namespace hearth::ctest
