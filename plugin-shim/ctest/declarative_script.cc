#include "plugin-shim/ctest/declarative_script.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace hearth::ctest {
namespace {

constexpr std::array<std::string_view, 19> kCommands{"add_subdirectory",
                                                     "add_test",
                                                     "else",
                                                     "elseif",
                                                     "endforeach",
                                                     "endif",
                                                     "foreach",
                                                     "if",
                                                     "include",
                                                     "list",
                                                     "message",
                                                     "set",
                                                     "set_directory_properties",
                                                     "set_property",
                                                     "set_tests_properties",
                                                     "subdirs",
                                                     "unset",
                                                     "cmake_policy",
                                                     "get_test_property"};

// Of IS_NEWER_THAN: the times of directories and Python's files are not compared (signature.h).
constexpr std::string_view kUnseen = "NEWER";

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool whole() {
    for (;;) {
      if (!skip_spaces()) return false;
      if (rest_.empty()) return true;
      if (!command()) return false;
    }
  }

 private:
  bool take(char wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // To behind `end`; false: it is not there.
  bool skip_to(std::string_view end) {
    const auto at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + end.size());
    return true;
  }

  // `[[`, `[=[` and so on, at the beginning of what is left: the bracket that ends it.
  std::string closing_bracket() const {
    const auto second = rest_.find_first_not_of('=', 1);
    if (!rest_.starts_with('[') || second == std::string_view::npos || rest_[second] != '[')
      return {};
    return "]" + std::string(second - 1, '=') + "]";
  }

  // And comments.
  bool skip_spaces() {
    for (;;) {
      const auto at = std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size());
      rest_.remove_prefix(at);
      if (!take('#')) return true;
      if (const std::string end = closing_bracket(); !end.empty()) {
        if (!skip_to(end)) return false;
      } else {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      }
    }
  }

  bool command() {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), [](char character) {
      return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_';
    });
    std::string name(rest_.begin(), end);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char character) {
      return static_cast<char>(std::tolower(character));
    });
    if (std::find(kCommands.begin(), kCommands.end(), name) == kCommands.end()) return false;
    rest_.remove_prefix(name.size());
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    return take('(') && arguments();
  }

  // To behind the parenthesis that closes them.
  bool arguments() {
    for (int depth = 1; depth > 0;) {
      if (!skip_spaces() || rest_.empty()) return false;
      if (take('(')) {
        ++depth;
      } else if (take(')')) {
        --depth;
      } else if (const std::string end = closing_bracket(); !end.empty()) {
        if (!skip_to(end)) return false;
      } else if (!argument()) {
        return false;
      }
    }
    return true;
  }

  // With quotes or without, or in the old way with some within.
  bool argument() {
    constexpr std::string_view kEnds = " \t\r\n()#";
    while (!rest_.empty() && kEnds.find(rest_[0]) == std::string_view::npos) {
      if (!closing_bracket().empty()) return false;
      if (take('"') ? !quoted() : !one_character()) return false;
    }
    return true;
  }

  bool quoted() {
    while (!rest_.empty()) {
      if (take('"')) return true;
      if (!one_character()) return false;
    }
    return false;
  }

  // Or two, of which the first is a backslash.
  bool one_character() {
    const std::size_t size = rest_[0] == '\\' ? 2 : 1;
    if (rest_.size() < size || rest_[0] == '\0') return false;
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

bool is_declarative(std::string_view script) {
  return script.find(kUnseen) == std::string_view::npos && Reader(script).whole();
}

}  // namespace hearth::ctest
