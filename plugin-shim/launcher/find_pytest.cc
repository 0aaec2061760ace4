#include "plugin-shim/launcher/find_pytest.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/launcher/shebang.h"
#include "protocol/fd.h"

namespace hearth::launcher {
namespace {

using client::is_executable;
using std::filesystem::path;

constexpr std::string_view kHint = ": set HEARTH_PYTHON to the python that has your pytest";

tl::unexpected<NoPytest> fail(std::string message, path program = {}) {
  return tl::unexpected(NoPytest{std::move(message) + std::string(kHint), std::move(program)});
}

std::string read_head(const path& file) {
  std::array<char, 1024> buffer{};
  const protocol::Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t size = fd ? read(fd.get(), buffer.data(), buffer.size()) : -1;
  return size <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
}

// A shim stands for a program that a version manager chooses by directory and environment. pyenv's
// and asdf's are shell scripts, mise's is a link to mise. All of them have `<manager> which
// <program>`.
tl::expected<path, NoPytest> behind_shim(const path& shim, const Surroundings& surroundings) {
  if (shim.parent_path().filename() != "shims") return shim;
  const std::string head = read_head(shim);
  std::error_code error;
  const std::string target = std::filesystem::canonical(shim, error).filename().string();
  for (const char* manager : {"pyenv", "asdf", "mise"}) {
    if (target != manager && (!head.starts_with("#!") || head.find(manager) == std::string::npos))
      continue;
    const std::string answer = surroundings.ask(manager, "which", shim.filename().string());
    if (!answer.empty() && is_executable(answer)) return path(answer);
    return fail("`" + std::string(manager) + " which " + shim.filename().string() +
                "` finds no program behind " + shim.string());
  }
  return shim;
}

tl::expected<path, NoPytest> interpreter_of(const path& script, const PythonScript& runner,
                                            const Surroundings& surroundings) {
  if (!runner.options.empty()) {
    return fail(script.string() + " starts its interpreter with options (" + runner.options +
                    "), which hearth cannot do",
                script);
  }
  path python = runner.name;
  if (runner.name.find('/') == std::string::npos) python = surroundings.find_on_path(runner.name);
  if (python.empty())
    return fail(script.string() + " asks for " + runner.name + ", which is not on PATH");
  if (!is_executable(python)) {
    return fail(script.string() + " asks for " + python.string() +
                ", which is not there (was its virtual environment moved?)");
  }
  return behind_shim(python, surroundings);
}

// The script is there; who runs it?
tl::expected<Pytest, NoPytest> from_script(path script, const Surroundings& surroundings) {
  auto real = behind_shim(script, surroundings);
  if (!real) return tl::unexpected(real.error());
  script = std::move(*real);
  const Runner runner = runner_of(read_head(script), script);
  const auto* python_script = std::get_if<PythonScript>(&runner);
  if (python_script == nullptr) return fail(script.string() + " is not a Python script", script);
  auto python = interpreter_of(script, *python_script, surroundings);
  if (!python) return tl::unexpected(python.error());
  return Pytest{std::move(*python), std::move(script)};
}

tl::expected<Pytest, NoPytest> from_hearth_python(const Surroundings& surroundings) {
  const std::string& wanted = surroundings.hearth_python;
  path python = wanted;
  if (wanted.find('/') == std::string::npos) python = surroundings.find_on_path(wanted);
  if (python.empty() || !is_executable(python)) {
    return tl::unexpected(
        NoPytest{"HEARTH_PYTHON is " + wanted + ", which is not an executable file", {}});
  }
  std::error_code error;
  auto real = behind_shim(std::filesystem::absolute(python, error), surroundings);
  if (!real) return tl::unexpected(real.error());
  const path script = real->parent_path() / "pytest";
  const bool is_python_script = is_executable(script) && std::holds_alternative<PythonScript>(
                                                             runner_of(read_head(script), script));
  return Pytest{std::move(*real), is_python_script ? script : path()};
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ask(const std::string& program, const std::string& verb, const std::string& name) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const protocol::Fd output(ends[0]);
  protocol::Fd input(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string words[] = {program, verb, name};
  std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  input.reset();
  if (error != 0) return {};
  std::string text;
  std::array<char, 512> buffer{};
  for (ssize_t size = 0; (size = read(output.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? text.substr(0, text.find('\n')) : std::string();
}

}  // namespace

Surroundings current_surroundings() {
  return {variable("HEARTH_PYTHON"), variable("VIRTUAL_ENV"), client::find_on_path, ask};
}

tl::expected<Pytest, NoPytest> find_pytest(const Surroundings& surroundings) {
  if (!surroundings.hearth_python.empty()) return from_hearth_python(surroundings);
  if (!surroundings.virtual_env.empty()) {
    std::error_code error;
    const path bin = std::filesystem::absolute(surroundings.virtual_env, error) / "bin";
    if (is_executable(bin / "pytest")) return from_script(bin / "pytest", surroundings);
    // hearth then says that this python has no pytest, which is what is wrong.
    if (is_executable(bin / "python")) return Pytest{bin / "python", {}};
  }
  const path script = surroundings.find_on_path("pytest");
  if (script.empty()) {
    return tl::unexpected(
        NoPytest{"there is no pytest on PATH: activate a virtual environment that has it, or set "
                 "HEARTH_PYTHON to its python",
                 {}});
  }
  return from_script(script, surroundings);
}

}  // namespace hearth::launcher
