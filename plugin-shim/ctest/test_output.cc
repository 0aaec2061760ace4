#include "plugin-shim/ctest/test_output.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace hearth::ctest {
namespace {

// Between the first opening and the last closing tag of a line, as a greedy expression finds it.
std::optional<std::string> between(std::string_view line, std::string_view open,
                                   std::string_view close) {
  const auto begin = line.find(open);
  if (begin == std::string_view::npos) return std::nullopt;
  const auto end = line.rfind(close);
  if (end == std::string_view::npos || end < begin + open.size()) return std::nullopt;
  return std::string(line.substr(begin + open.size(), end - begin - open.size()));
}

std::string_view without_returns(std::string_view line) {
  return line.substr(0, line.find_last_not_of('\r') + 1);
}

bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// The greatest place up to `at` where a character begins.
std::size_t begin_of_character(const std::string& text, std::size_t at) {
  const std::size_t limit = at > 3 ? at - 3 : 0;
  for (std::size_t place = at; place > limit; --place) {
    if (place >= text.size() || !is_inside_character(text[place])) return place;
  }
  return at;  // not UTF-8
}

}  // namespace

void TestOutput::add(std::string_view data, const Tell& tell) {
  static constexpr std::string_view kEnds("\n\0", 2);
  while (true) {
    const auto end = data.find_first_of(kEnds);
    if (end == std::string_view::npos) break;
    if (rest_.empty()) {
      add_line(without_returns(data.substr(0, end)), tell);
    } else {
      rest_ += data.substr(0, end);
      add_line(without_returns(rest_), tell);
      rest_.clear();
    }
    data.remove_prefix(end + 1);
  }
  rest_ += data;
}

void TestOutput::end(const Tell& tell) {
  if (!rest_.empty()) add_line(rest_, tell);  // the last line keeps its carriage returns
  rest_.clear();
}

void TestOutput::add_line(std::string_view line, const Tell& tell) {
  if (tell) tell(std::string(line));
  if (line.find("<CTest") != std::string_view::npos) {
    if (auto details = between(line, "<CTestDetails>", "</CTestDetails>")) {
      details_ = std::move(*details);
      if (tell) tell("Test Details changed to '" + details_ + "'");
      return;
    }
    if (auto label = between(line, "<CTestLabel>", "</CTestLabel>")) {
      if (tell) tell("Test Label added: '" + *label + "'");
      labels_.push_back(std::move(*label));
      return;
    }
  }
  text_ += line;
  text_ += '\n';
}

std::vector<std::string> take_measurements(std::string& text) {
  std::vector<std::string> found;
  std::size_t from = 0;
  while (true) {
    const auto ctest = text.find("<CTestMeasurement", from);
    const auto dart = text.find("<DartMeasurement", from);
    const auto begin = std::min(ctest, dart);
    if (begin == std::string::npos) return found;
    const auto close = text.find('<', begin + 1);
    const bool closes =
        close != std::string::npos && (text.compare(close, 18, "</CTestMeasurement") == 0 ||
                                       text.compare(close, 17, "</DartMeasurement") == 0);
    const auto end = closes ? text.find('>', close) : std::string::npos;
    if (end == std::string::npos) {
      from = begin + 1;
      continue;
    }
    const std::string element = text.substr(begin, end + 1 - begin);
    found.push_back(element);
    for (auto same = text.find(element); same != std::string::npos; same = text.find(element, same))
      text.erase(same, element.size());
    from = 0;
  }
}

void truncate(std::string& text, std::size_t most, Truncation removed) {
  if (most == 0 || most >= text.size() || text.find("CTEST_FULL_OUTPUT") != std::string::npos)
    return;
  const std::string said =
      "\n[This part of the test output was removed since it exceeds the threshold of " +
      std::to_string(most) + " bytes.]\n";
  switch (removed) {
    case Truncation::head: {
      text.erase(0, begin_of_character(text, text.size() - most));
      text.insert(0, said + "...");
      break;
    }
    case Truncation::middle: {
      const auto at = begin_of_character(text, most / 2);
      text.erase(at, text.size() - most);
      text.insert(at, "..." + said + "...");
      break;
    }
    case Truncation::tail:
      text.erase(begin_of_character(text, most));
      text += "..." + said;
      break;
  }
}

}  // namespace hearth::ctest
