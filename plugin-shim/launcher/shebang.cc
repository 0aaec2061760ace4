#include "plugin-shim/launcher/shebang.h"

#include <vector>

namespace hearth::launcher {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

// The first word; `text` becomes what follows it.
std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const std::size_t end = text.find_first_of(kBlanks);
  const std::string_view word = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : trim(text.substr(end));
  return word;
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_python(std::string_view program) {
  const std::string_view name = base_name(program);
  return name.starts_with("python") || name.starts_with("pypy");
}

// `env [-S] [NAME=value]… python3 [options]`
Runner runner_of_env(std::string_view rest) {
  for (;;) {
    const std::string_view word = take_word(rest);
    if (word.empty()) return OtherProgram{};
    if (word.starts_with('-') || word.find('=') != std::string_view::npos) continue;
    if (!is_python(word)) return OtherProgram{};
    return PythonScript{std::string(word), std::string(rest)};
  }
}

// A long path, or one with blanks, does not fit into `#!`: pip then writes a shell script that is
// Python at the same time,
//   '''exec' "/a long path/bin/python" "$0" "$@"
// and uv, for an environment that can be moved,
//   '''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"
Runner runner_of_shell(std::string_view line, const std::filesystem::path& script) {
  constexpr std::string_view opening = "'''exec' ";
  constexpr std::string_view script_directory = R"x("$(dirname -- "$(realpath -- "$0")")"/)x";
  constexpr std::string_view closing = R"x( "$0" "$@")x";
  line = trim(line);
  if (!line.starts_with(opening)) return OtherProgram{};
  line.remove_prefix(opening.size());
  if (!line.ends_with(closing)) return OtherProgram{};
  line.remove_suffix(closing.size());
  line = trim(line);
  const bool beside_script = line.starts_with(script_directory);
  if (beside_script) line.remove_prefix(script_directory.size());
  if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') &&
      line.back() == line.front()) {
    line = line.substr(1, line.size() - 2);
  }
  if (!is_python(line)) return OtherProgram{};
  if (!beside_script) return PythonScript{std::string(line), ""};
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(script, error);
  return PythonScript{((error ? script : real).parent_path() / line).string(), ""};
}

}  // namespace

Runner runner_of(std::string_view head, const std::filesystem::path& script) {
  if (!head.starts_with("#!")) return OtherProgram{};
  head.remove_prefix(2);
  std::string_view first = take_line(head);
  const std::string_view program = take_word(first);
  if (base_name(program) == "env") return runner_of_env(first);
  if (is_python(program)) return PythonScript{std::string(program), std::string(first)};
  if (base_name(program) == "sh") return runner_of_shell(take_line(head), script);
  return OtherProgram{};
}

}  // namespace hearth::launcher
