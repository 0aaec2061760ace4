#include "plugin-shim/launcher/find_pytest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <map>

namespace hearth::launcher {
namespace {

using std::filesystem::path;
using testing::HasSubstr;

class FindPytest : public testing::Test {
 protected:
  FindPytest() {
    std::string name = testing::TempDir() + "find_pytest_XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~FindPytest() override { std::filesystem::remove_all(root_); }

  // An executable file below the test's directory.
  path program(const std::string& name, const std::string& content =
                                            "\x7f"
                                            "ELF") {
    const path file = root_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  path script_for(const std::string& name, const path& python) {
    return program(name, "#!" + python.string() + "\nimport sys\n");
  }

  tl::expected<Pytest, NoPytest> find() {
    return find_pytest(
        {hearth_python_, virtual_env_,
         [this](const std::string& name) { return on_path_.count(name) ? on_path_[name] : path(); },
         [this](const std::string& manager, const std::string& verb, const std::string& name) {
           return answers_[manager + " " + verb + " " + name];
         }});
  }

  path root_;
  std::string hearth_python_;
  std::string virtual_env_;
  std::map<std::string, path> on_path_;
  std::map<std::string, std::string> answers_;
};

TEST_F(FindPytest, takes_the_one_on_the_path_with_the_interpreter_that_it_names) {
  const path python = program("bin/python3");
  const path script = script_for("bin/pytest", python);
  on_path_["pytest"] = script;
  EXPECT_EQ(find().value(), (Pytest{python, script}));
}

TEST_F(FindPytest, prefers_the_active_virtual_environment_to_the_path) {
  on_path_["pytest"] = script_for("bin/pytest", program("bin/python3"));
  const path python = program("venv/bin/python");
  const path script = script_for("venv/bin/pytest", python);
  virtual_env_ = root_ / "venv";
  EXPECT_EQ(find().value(), (Pytest{python, script}));
}

TEST_F(FindPytest, prefers_HEARTH_PYTHON_to_everything) {
  virtual_env_ =
      script_for("venv/bin/pytest", program("venv/bin/python")).parent_path().parent_path();
  const path python = program("chosen/bin/python3.12");
  const path script = script_for("chosen/bin/pytest", python);
  hearth_python_ = python;
  EXPECT_EQ(find().value(), (Pytest{python, script}));
}

TEST_F(FindPytest, looks_for_a_bare_HEARTH_PYTHON_on_the_path) {
  on_path_["python3.12"] = program("chosen/bin/python3.12");
  hearth_python_ = "python3.12";
  EXPECT_EQ(find().value(), (Pytest{on_path_["python3.12"], {}}));
}

TEST_F(FindPytest, runs_the_module_when_HEARTH_PYTHON_has_no_script_beside_it) {
  hearth_python_ = program("chosen/bin/python");
  EXPECT_EQ(find().value(), (Pytest{hearth_python_, {}}));
}

TEST_F(FindPytest, runs_the_module_when_what_is_beside_HEARTH_PYTHON_is_no_python_script) {
  hearth_python_ = program("chosen/bin/python");
  program("chosen/bin/pytest", "#!/bin/bash\n");
  EXPECT_EQ(find().value(), (Pytest{hearth_python_, {}}));
}

TEST_F(FindPytest, says_which_HEARTH_PYTHON_is_not_there) {
  hearth_python_ = root_ / "gone/python";
  EXPECT_EQ(find().error().message,
            "HEARTH_PYTHON is " + hearth_python_ + ", which is not an executable file");
}

TEST_F(FindPytest, runs_the_module_of_a_virtual_environment_without_pytest) {
  on_path_["pytest"] = script_for("bin/pytest", program("bin/python3"));
  const path python = program("venv/bin/python");
  virtual_env_ = root_ / "venv";
  EXPECT_EQ(find().value(), (Pytest{python, {}}));
}

TEST_F(FindPytest, goes_on_to_the_path_when_the_virtual_environment_is_gone) {
  const path python = program("bin/python3");
  const path script = script_for("bin/pytest", python);
  on_path_["pytest"] = script;
  virtual_env_ = root_ / "gone";
  EXPECT_EQ(find().value(), (Pytest{python, script}));
}

TEST_F(FindPytest, keeps_the_interpreter_a_link) {
  const path real = program("usr/bin/python3.11");
  std::filesystem::create_directories(root_ / "venv/bin");
  std::filesystem::create_symlink(real, root_ / "venv/bin/python");
  const path script = script_for("venv/bin/pytest", root_ / "venv/bin/python");
  virtual_env_ = root_ / "venv";
  EXPECT_EQ(find().value(), (Pytest{root_ / "venv/bin/python", script}));
}

TEST_F(FindPytest, looks_for_the_interpreter_of_env_on_the_path) {
  on_path_["python3"] = program("bin/python3");
  on_path_["pytest"] = program("bin/pytest", "#!/usr/bin/env python3\n");
  EXPECT_EQ(find().value(), (Pytest{on_path_["python3"], on_path_["pytest"]}));
}

TEST_F(FindPytest, asks_a_version_manager_what_stands_behind_its_shim) {
  const path python = program("versions/3.12/bin/python3.12");
  const path script = script_for("versions/3.12/bin/pytest", python);
  on_path_["pytest"] =
      program("shims/pytest", "#!/usr/bin/env bash\nexec \"/x/pyenv\" exec \"$program\" \"$@\"\n");
  answers_["pyenv which pytest"] = script;
  EXPECT_EQ(find().value(), (Pytest{python, script}));
}

TEST_F(FindPytest, asks_the_version_manager_that_a_shim_is_a_link_to) {
  const path python = program("versions/3.12/bin/python3.12");
  const path script = script_for("versions/3.12/bin/pytest", python);
  const path manager = program("bin/mise");
  std::filesystem::create_directories(root_ / "shims");
  std::filesystem::create_symlink(manager, root_ / "shims/pytest");
  on_path_["pytest"] = root_ / "shims/pytest";
  answers_["mise which pytest"] = script;
  EXPECT_EQ(find().value(), (Pytest{python, script}));
}

TEST_F(FindPytest, asks_for_what_stands_behind_an_interpreter_that_is_a_shim) {
  const path python = program("versions/3.12/bin/python3.12");
  on_path_["python3"] = program("shims/python3", "#!/usr/bin/env bash\nasdf exec\n");
  answers_["asdf which python3"] = python;
  on_path_["pytest"] = program("bin/pytest", "#!/usr/bin/env python3\n");
  EXPECT_EQ(find().value(), (Pytest{python, on_path_["pytest"]}));
}

TEST_F(FindPytest, tells_of_HEARTH_PYTHON_when_the_version_manager_has_no_answer) {
  on_path_["pytest"] = program("shims/pytest", "#!/bin/sh\nexec pyenv exec pytest\n");
  EXPECT_THAT(find().error().message,
              testing::AllOf(HasSubstr("`pyenv which pytest`"), HasSubstr("set HEARTH_PYTHON")));
}

TEST_F(FindPytest, tells_of_HEARTH_PYTHON_when_the_script_is_no_python_script) {
  on_path_["pytest"] = program("bin/pytest", "#!/bin/bash\nexec docker run pytest\n");
  EXPECT_THAT(find().error().message,
              testing::AllOf(HasSubstr("not a Python script"), HasSubstr("set HEARTH_PYTHON")));
}

TEST_F(FindPytest, names_the_interpreter_that_is_gone) {
  on_path_["pytest"] = script_for("bin/pytest", root_ / "gone/bin/python");
  EXPECT_THAT(find().error().message,
              HasSubstr((root_ / "gone/bin/python").string() + ", which is not there"));
}

TEST_F(FindPytest, refuses_a_script_that_gives_its_interpreter_options) {
  on_path_["pytest"] = program("bin/pytest", "#!" + program("bin/python3").string() + " -I\n");
  EXPECT_THAT(find().error().message, HasSubstr("options (-I)"));
}

TEST_F(FindPytest, says_that_there_is_none) {
  EXPECT_THAT(find().error().message, HasSubstr("there is no pytest on PATH"));
}

}  // namespace
}  // namespace hearth::launcher
