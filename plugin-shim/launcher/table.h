// Text in columns, for people.
#pragma once

#include <string>
#include <vector>

namespace hearth::launcher {

using Row = std::vector<std::string>;

// Columns wide enough for their longest entry, each row indented by two blanks; the last one is not
// padded.
std::string columns(const std::vector<Row>& rows);

// In one line, whatever is in it, and cut where it is too long.
std::string one_line(std::string text);

// Words with blanks between them, in one line.
std::string joined(const std::vector<std::string>& words);

// `pytest -n 2 tests`, in one line.
std::string pytest_command(const std::vector<std::string>& arguments);

}  // namespace hearth::launcher
