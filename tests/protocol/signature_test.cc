// What a look has seen, and what is a difference to it.
#include "protocol/signature.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/protocol/temporary_directory.h"

namespace hearth::protocol {
namespace {

namespace fs = std::filesystem;

class Signature : public testing::Test {
 protected:
  [[nodiscard]] fs::path path(const std::string& name) const { return directory_.path() / name; }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  void put_in_place(const std::string& name, const std::string& text) const {
    write("new", text);
    fs::rename(path("new"), path(name));
  }
  void touch(const std::string& name) const {
    const timespec times[2] = {{1, 0}, {1, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path(name).c_str(), times, 0), 0);
  }
  [[nodiscard]] FileSignature taken(const std::string& name, Look look) const {
    return take_signature(path(name).string(), look);
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(Signature, of_a_source_that_was_read_is_its_content) {
  write("a.py", "one");
  auto signature = taken("a.py", Look::content);
  touch("a.py");
  EXPECT_TRUE(holds(signature));
  put_in_place("a.py", "one");
  EXPECT_TRUE(holds(signature));
  put_in_place("a.py", "two");
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, of_a_data_file_that_was_read_is_all_of_its_status) {
  write("a.txt", "one");
  auto signature = taken("a.txt", Look::content);
  EXPECT_TRUE(holds(signature));
  touch("a.txt");
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, of_a_data_file_sees_a_change_of_the_same_size_within_the_clocks_tick) {
  write("a.txt", "one");
  auto signature = taken("a.txt", Look::content);
  struct stat before {};
  ASSERT_EQ(stat(path("a.txt").c_str(), &before), 0);
  write("a.txt", "two");
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, of_a_directory_that_was_listed_is_its_names_without_products) {
  fs::create_directory(path("d"));
  auto signature = taken("d", Look::content);
  fs::create_directory(path("d") / "__pycache__");
  EXPECT_TRUE(holds(signature));
  write("d/a", "");
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, of_a_directory_that_was_looked_at_is_the_directory_itself) {
  fs::create_directory(path("d"));
  auto signature = taken("d", Look::status);
  write("d/a", "");
  EXPECT_TRUE(holds(signature));
  fs::remove_all(path("d"));
  write("d", "a file");
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, of_a_source_that_was_looked_at_is_that_it_is_one) {
  write("a.py", "one");
  auto signature = taken("a.py", Look::status);
  put_in_place("a.py", "another");
  EXPECT_TRUE(holds(signature));
  fs::remove(path("a.py"));
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, of_a_data_file_that_was_looked_at_is_its_status) {
  write("a.txt", "one");
  auto signature = taken("a.txt", Look::status);
  EXPECT_TRUE(holds(signature));
  write("a.txt", "longer");
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, of_what_was_asked_for_its_kind_is_that_only) {
  write("a.txt", "one");
  auto signature = taken("a.txt", Look::kind);
  put_in_place("a.txt", "another");
  EXPECT_TRUE(holds(signature));
  fs::remove(path("a.txt"));
  fs::create_directory(path("a.txt"));
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, of_what_was_absent_holds_until_it_is_there) {
  for (const Look look : {Look::content, Look::status, Look::link, Look::kind}) {
    auto signature = taken("a", look);
    EXPECT_TRUE(holds(signature));
    write("a", "");
    EXPECT_FALSE(holds(signature));
    fs::remove(path("a"));
  }
}

TEST_F(Signature, of_a_dangling_link_sees_that_it_leads_somewhere) {
  fs::create_symlink("target", path("link"));
  auto followed = taken("link", Look::status);
  auto itself = taken("link", Look::link);
  write("target", "");
  EXPECT_FALSE(holds(followed));
  EXPECT_TRUE(holds(itself));
}

TEST_F(Signature, of_a_link_sees_that_it_leads_elsewhere) {
  write("one", "same");
  write("two", "same");
  fs::create_symlink("one", path("link"));
  auto opened = taken("link", Look::content);
  auto itself = taken("link", Look::link);
  fs::remove(path("link"));
  fs::create_symlink("two", path("link"));
  EXPECT_FALSE(holds(opened));
  EXPECT_FALSE(holds(itself));
}

TEST_F(Signature, of_what_the_stage_wrote_is_its_content) {
  write("a.txt", "one");
  auto signature = taken("a.txt", Look::written);
  touch("a.txt");
  EXPECT_TRUE(holds(signature));
  write("a.txt", "two");
  EXPECT_FALSE(holds(signature));
}

TEST_F(Signature, that_never_holds_does_not) {
  write("a", "");
  auto signature = signature_that_never_holds(path("a").string());
  EXPECT_FALSE(holds(signature));
}

}  // namespace
}  // namespace hearth::protocol
