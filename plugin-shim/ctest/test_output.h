// What a test writes, line by line, as ctest keeps it: a zero byte ends a line like a line feed
// does, carriage returns before the end are dropped, the last line always ends. Lines in which the
// test tells ctest something are left out.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin-shim/ctest/options.h"

namespace hearth::ctest {

class TestOutput {
 public:
  // What there is to be said of a line for `-V`; the line itself is the most usual thing.
  using Tell = std::function<void(const std::string& text)>;

  void add(std::string_view data, const Tell& tell);
  void end(const Tell& tell);

  const std::string& text() const { return text_; }
  std::string release() && { return std::move(text_); }
  // <CTestLabel>: added to the test's labels, which it may have already.
  const std::vector<std::string>& labels() const { return labels_; }
  // <CTestDetails>: stands for the completion status in Test.xml.
  const std::string& details() const { return details_; }

 private:
  void add_line(std::string_view line, const Tell& tell);

  std::string text_;
  std::string rest_;  // of a line that has not ended
  std::vector<std::string> labels_;
  std::string details_;
};

// Takes <CTestMeasurement…> and <DartMeasurement…> elements out of the text: they are for Test.xml.
// Returns them, one after another.
std::vector<std::string> take_measurements(std::string& text);

// At most `most` bytes of it are kept (0: all), and what is missing is said, unless the text has
// CTEST_FULL_OUTPUT in it. No UTF-8 sequence is torn apart.
void truncate(std::string& text, std::size_t most, Truncation removed);

}  // namespace hearth::ctest
