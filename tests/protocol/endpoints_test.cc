#include "protocol/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "protocol/unix_socket.h"
#include "tests/protocol/temporary_directory.h"

namespace hearth::protocol {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

mode_t mode_of(const fs::path& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0);
  return found.st_mode & 07777;
}

class EndpointsTest : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("HEARTH_RUNTIME_DIR");
    ::unsetenv("XDG_RUNTIME_DIR");
  }

  // What prepare_endpoints says about this directory.
  static std::string refusal(const fs::path& directory) {
    ::setenv("HEARTH_RUNTIME_DIR", directory.c_str(), 1);
    const auto endpoints = prepare_endpoints();
    return endpoints ? "accepted" : endpoints.error();
  }

  TemporaryDirectory temporary_;
};

TEST_F(EndpointsTest, are_where_hearth_runtime_dir_says) {
  ::setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
  ::setenv("HEARTH_RUNTIME_DIR", "/somewhere//else/", 1);
  const auto endpoints = locate_endpoints().value();
  EXPECT_EQ(endpoints.directory, "/somewhere/else");
  EXPECT_EQ(endpoints.clients(), "ipc:///somewhere/else/clients");
  EXPECT_EQ(endpoints.events(), "ipc:///somewhere/else/events");
  EXPECT_EQ(endpoints.streams(), "/somewhere/else/streams");
  EXPECT_EQ(endpoints.lock(), "/somewhere/else/lock");
}

TEST_F(EndpointsTest, are_in_the_users_runtime_directory_else) {
  ::setenv("HEARTH_RUNTIME_DIR", "", 1);
  ::setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
  EXPECT_EQ(locate_endpoints().value().directory, "/run/user/1/hearth");
}

TEST_F(EndpointsTest, are_in_a_directory_of_the_user_below_tmp_else) {
  const std::string expected = "/tmp/hearth-" + std::to_string(::geteuid());
  EXPECT_EQ(locate_endpoints().value().directory, expected);
  ::setenv("XDG_RUNTIME_DIR", "relative", 1);
  EXPECT_EQ(locate_endpoints().value().directory, expected);
}

TEST_F(EndpointsTest, are_not_looked_for_on_disk) {
  ::setenv("HEARTH_RUNTIME_DIR", (temporary_.path() / "new").c_str(), 1);
  EXPECT_TRUE(locate_endpoints());
  EXPECT_FALSE(fs::exists(temporary_.path() / "new"));
}

TEST_F(EndpointsTest, refuse_a_relative_path) {
  EXPECT_EQ(refusal("run"),
            "run is not an absolute path: set HEARTH_RUNTIME_DIR to one, or unset it");
}

TEST_F(EndpointsTest, refuse_a_path_that_is_too_long_for_a_socket) {
  const std::string longest =
      "/" + std::string(max_socket_path - 1 - std::string("/streams").size(), 'x');
  ::setenv("HEARTH_RUNTIME_DIR", longest.c_str(), 1);
  EXPECT_TRUE(locate_endpoints());
  EXPECT_THAT(refusal(longest + "x"), HasSubstr("too long for the address of a socket"));
}

TEST_F(EndpointsTest, are_prepared_in_a_private_directory_whatever_the_umask) {
  const mode_t umask = ::umask(0777);
  const std::string answer = refusal(temporary_.path() / "new");
  ::umask(umask);
  EXPECT_EQ(answer, "accepted");
  EXPECT_EQ(mode_of(temporary_.path() / "new"), 0700U);
}

TEST_F(EndpointsTest, are_prepared_again_where_they_were) {
  EXPECT_EQ(refusal(temporary_.path() / "new"), "accepted");
  EXPECT_EQ(refusal(temporary_.path() / "new"), "accepted");
}

TEST_F(EndpointsTest, do_not_advise_to_close_what_may_be_meant_for_others) {
  const fs::path directory = temporary_.path() / "tmp";
  fs::create_directory(directory);
  ASSERT_EQ(::chmod(directory.c_str(), 0755), 0);
  EXPECT_EQ(refusal(directory),
            directory.native() +
                " has mode 755 instead of 700: set HEARTH_RUNTIME_DIR to a directory of your own");
}

TEST_F(EndpointsTest, refuse_a_directory_that_others_may_enter) {
  const fs::path directory = temporary_.path() / "hearth";
  fs::create_directory(directory);
  ASSERT_EQ(::chmod(directory.c_str(), 0755), 0);
  EXPECT_EQ(refusal(directory),
            directory.native() + " has mode 755 instead of 700: run `chmod 700 " +
                directory.native() + "`, or set HEARTH_RUNTIME_DIR to a directory of your own");
  EXPECT_EQ(mode_of(directory), 0755U);
}

TEST_F(EndpointsTest, refuse_a_directory_of_another_user) {
  fs::path directory = "/usr";  // root's
  if (::geteuid() == 0) {
    directory = temporary_.path() / "theirs";
    fs::create_directory(directory);
    ASSERT_EQ(::chown(directory.c_str(), 65534, 65534), 0);
  }
  EXPECT_THAT(refusal(directory),
              AllOf(HasSubstr("belongs to user"), HasSubstr("set HEARTH_RUNTIME_DIR")));
}

TEST_F(EndpointsTest, refuse_a_symbolic_link_however_it_is_written) {
  const fs::path link = temporary_.path() / "link";
  fs::create_directory_symlink(temporary_.path(), link);
  EXPECT_THAT(refusal(link), HasSubstr("is a symbolic link"));
  EXPECT_THAT(refusal(link.native() + "/"), HasSubstr("is a symbolic link"));
  EXPECT_THAT(refusal(link.native() + "/."), HasSubstr("is a symbolic link"));
}

TEST_F(EndpointsTest, refuse_a_file) {
  const fs::path file = temporary_.path() / "file";
  std::ofstream(file) << "data";
  EXPECT_THAT(refusal(file), HasSubstr("is not a directory"));
}

TEST_F(EndpointsTest, say_that_the_parent_is_missing) {
  const fs::path directory = temporary_.path() / "missing" / "new";
  EXPECT_THAT(refusal(directory),
              AllOf(HasSubstr((temporary_.path() / "missing").native() + " is not there"),
                    HasSubstr("set HEARTH_RUNTIME_DIR"), Not(HasSubstr("\n"))));
}

}  // namespace
}  // namespace hearth::protocol
