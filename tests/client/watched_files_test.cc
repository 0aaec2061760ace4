#include "plugin-shim/launcher/watched_files.h"

#include <gmock/gmock.h>

#include <fstream>

#include "protocol/signature.h"
#include "tests/protocol/temporary_directory.h"

namespace hearth::launcher {
namespace {

using protocol::Look;
using testing::ElementsAre;
using testing::IsEmpty;

class WatchedFilesTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return root_ + "/" + name; }
  protocol::FileSignature list_root() const {
    return protocol::take_signature(root_, Look::content);
  }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }

  protocol::FileSignature read(const std::string& name) const {
    return protocol::take_signature(path(name), Look::content);
  }

  protocol::TemporaryDirectory directory_;
  std::string root_ = directory_.path();
};

TEST_F(WatchedFilesTest, tells_of_a_file_that_the_run_read) {
  write("data.json", "1");
  WatchedFiles files(root_);
  EXPECT_THAT(files.run_ended({read("data.json")}), IsEmpty());
  write("data.json", "22");
  EXPECT_THAT(files.changes(), ElementsAre(path("data.json")));
}

TEST_F(WatchedFilesTest, tells_of_a_change_once_when_the_next_run_ends_before_it_can_tell) {
  WatchedFiles files(root_);
  EXPECT_THAT(files.run_ended({read("conftest.py")}), IsEmpty());
  write("conftest.py", "import nothing");
  EXPECT_THAT(files.changes(), ElementsAre(path("conftest.py")));
  EXPECT_THAT(files.run_ended({}), IsEmpty());
  write("conftest.py", "import something");
  EXPECT_THAT(files.changes(), ElementsAre(path("conftest.py")));
}

TEST_F(WatchedFilesTest, says_nothing_of_a_file_that_was_written_but_is_the_same) {
  write("test_a.py", "pass");
  WatchedFiles files(root_);
  files.run_ended({read("test_a.py")});
  write("test_a.py", "pass");
  EXPECT_THAT(files.changes(), IsEmpty());
}

TEST_F(WatchedFilesTest, says_nothing_of_a_file_that_nobody_read) {
  WatchedFiles files(root_);
  files.run_ended({});
  write("notes.txt", "1");
  write("report/index.html", "1");
  EXPECT_THAT(files.changes(), IsEmpty());
}

TEST_F(WatchedFilesTest, tells_of_a_file_that_was_only_asked_for_when_it_has_gone) {
  write("notes.txt", "1");
  WatchedFiles files(root_);
  files.run_ended({protocol::take_signature(path("notes.txt"), Look::status)});
  write("notes.txt", "22");
  EXPECT_THAT(files.changes(), IsEmpty());
  std::filesystem::remove(path("notes.txt"));
  EXPECT_THAT(files.changes(), ElementsAre(path("notes.txt")));
}

TEST_F(WatchedFilesTest, tells_of_a_file_that_was_looked_for_in_vain) {
  WatchedFiles files(root_);
  files.run_ended({read("settings.ini")});
  write("settings.ini", "");
  EXPECT_THAT(files.changes(), ElementsAre(path("settings.ini")));
}

TEST_F(WatchedFilesTest, tells_of_a_file_that_has_gone) {
  write("data.json", "1");
  WatchedFiles files(root_);
  files.run_ended({read("data.json")});
  std::filesystem::remove(path("data.json"));
  EXPECT_THAT(files.changes(), ElementsAre(path("data.json")));
}

TEST_F(WatchedFilesTest, tells_of_a_file_whose_directory_was_moved_away) {
  write("package/data/a.json", "1");
  WatchedFiles files(root_);
  files.run_ended({read("package/data/a.json")});
  std::filesystem::rename(path("package"), path("elsewhere"));
  EXPECT_THAT(files.changes(), ElementsAre(path("package/data/a.json")));
}

TEST_F(WatchedFilesTest, tells_of_a_new_source_also_in_a_new_directory) {
  WatchedFiles files(root_);
  files.run_ended({});
  write("tests/unit/test_new.py", "");
  EXPECT_THAT(files.changes(), ElementsAre(path("tests/unit/test_new.py")));
  write("tests/unit/test_other.py", "");
  EXPECT_THAT(files.changes(), ElementsAre(path("tests/unit/test_other.py")));
}

TEST_F(WatchedFilesTest, says_nothing_of_an_editors_own_files) {
  write("test_a.py", "pass");
  WatchedFiles files(root_);
  files.run_ended({read("test_a.py"), list_root()});
  write(".test_a.py.swp", "");
  write(".#test_a.py", "");
  write("test_a.py~", "");
  write("4913", "");
  std::filesystem::remove(path("4913"));
  EXPECT_THAT(files.changes(), IsEmpty());
}

TEST_F(WatchedFilesTest, tells_once_of_a_file_that_takes_the_place_of_another) {
  write("test_a.py", "pass");
  WatchedFiles files(root_);
  files.run_ended({read("test_a.py"), list_root()});
  write("test_a.py.new", "pass  # 2");
  std::filesystem::rename(path("test_a.py.new"), path("test_a.py"));
  EXPECT_THAT(files.changes(), ElementsAre(path("test_a.py")));
  EXPECT_THAT(files.changes(), IsEmpty());
}

TEST_F(WatchedFilesTest, tells_of_a_new_file_of_a_kind_that_was_read_in_a_listed_directory) {
  write("cases/a.json", "1");
  WatchedFiles files(root_);
  files.run_ended({read("cases"), read("cases/a.json")});
  write("cases/b.txt", "1");
  EXPECT_THAT(files.changes(), IsEmpty());
  write("cases/b.json", "1");
  EXPECT_THAT(files.changes(), ElementsAre(path("cases/b.json")));
}

TEST_F(WatchedFilesTest, tells_at_the_end_of_a_source_that_was_changed_while_the_run_went_on) {
  write("test_a.py", "pass");
  WatchedFiles files(root_);
  auto trace = std::vector{read("test_a.py")};
  write("test_a.py", "pass  # 2");
  EXPECT_THAT(files.run_ended(std::move(trace)), ElementsAre(path("test_a.py")));
  EXPECT_THAT(files.changes(), IsEmpty());
}

TEST_F(WatchedFilesTest, says_nothing_of_what_the_run_wrote) {
  write("test_a.py", "pass");
  WatchedFiles files(root_);
  std::vector trace{read("test_a.py"), read("store.db"), list_root()};
  write("store.db", "1");
  write("report.xml", "1");
  write("generated.py", "1");
  write("__pycache__/test_a.cpython-311.pyc", "1");
  write(".pytest_cache/v/cache/lastfailed", "1");
  trace.push_back(protocol::take_signature(path("generated.py"), Look::written));
  EXPECT_THAT(files.run_ended(std::move(trace)), IsEmpty());
  EXPECT_THAT(files.changes(), IsEmpty());
}

TEST_F(WatchedFilesTest, takes_a_source_that_each_run_changes_for_the_runs_own) {
  WatchedFiles files(root_);
  write("version.py", "1");
  EXPECT_THAT(files.run_ended({}), ElementsAre(path("version.py")));
  write("version.py", "2");
  EXPECT_THAT(files.run_ended({}), IsEmpty());
  write("version.py", "3");
  EXPECT_THAT(files.run_ended({}), IsEmpty());
}

TEST_F(WatchedFilesTest, keeps_to_what_it_knows_when_a_run_told_nothing) {
  WatchedFiles files(path("project"));
  files.run_ended({read("plugin.txt")});
  files.run_ended({});
  write("plugin.txt", "");
  EXPECT_THAT(files.changes(), ElementsAre(path("plugin.txt")));
}

}  // namespace
}  // namespace hearth::launcher
