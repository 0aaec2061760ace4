#include "plugin-shim/launcher/table.h"

#include <algorithm>

namespace hearth::launcher {

std::string columns(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    text += ' ';
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += ' ' + row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 1, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string one_line(std::string text) {
  constexpr std::size_t kLongest = 200;
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
  // An argument may hold anything, a table only lines.
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return one_line(std::move(text));
}

std::string pytest_command(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"pytest"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return joined(words);
}

}  // namespace hearth::launcher
