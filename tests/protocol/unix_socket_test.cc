#include "protocol/unix_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/protocol/temporary_directory.h"

namespace hearth::protocol {
namespace {

bool is_close_on_exec(const Fd& fd) { return (::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0; }

TEST(UnixSocket, connects_a_client_to_a_listener) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "socket";
  const auto listener = listen_unix(path);
  ASSERT_TRUE(listener) << listener.error().message();
  const auto client = connect_unix(path);
  ASSERT_TRUE(client) << client.error().message();
  const auto server = accept_unix(*listener);
  ASSERT_TRUE(server) << server.error().message();

  ASSERT_EQ(::send(client->get(), "x", 1, 0), 1);
  char byte = 0;
  EXPECT_EQ(::recv(server->get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'x');
  EXPECT_EQ(peer_uid(*server).value(), ::geteuid());
  for (const Fd* fd : {&*listener, &*client, &*server}) EXPECT_TRUE(is_close_on_exec(*fd));
}

TEST(UnixSocket, does_not_wait_for_a_client) {
  const TemporaryDirectory directory;
  const auto listener = listen_unix(directory.path() / "socket");
  ASSERT_TRUE(listener);
  EXPECT_EQ(accept_unix(*listener).error(), std::errc::operation_would_block);
}

TEST(UnixSocket, lets_nobody_else_in) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "socket";
  ASSERT_TRUE(listen_unix(path));
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
}

TEST(UnixSocket, takes_the_place_of_a_socket_that_nobody_serves) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "socket";
  ASSERT_TRUE(listen_unix(path));
  EXPECT_EQ(connect_unix(path).error(), std::errc::connection_refused);
  const auto listener = listen_unix(path);
  ASSERT_TRUE(listener) << listener.error().message();
  EXPECT_TRUE(connect_unix(path));
}

TEST(UnixSocket, does_not_remove_a_file_that_is_no_socket) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "precious";
  std::ofstream(path) << "data";
  EXPECT_EQ(listen_unix(path).error(), std::errc::file_exists);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST(UnixSocket, refuses_a_path_that_no_address_can_hold) {
  const std::string longest = "/" + std::string(max_socket_path - 1, 'x');
  EXPECT_EQ(connect_unix(longest).error(), std::errc::no_such_file_or_directory);
  for (const std::string& path : {longest + "x", std::string(), std::string("/a\0b", 4)}) {
    EXPECT_EQ(connect_unix(path).error(), std::errc::filename_too_long);
    EXPECT_EQ(listen_unix(path).error(), std::errc::filename_too_long);
  }
}

TEST(UnixSocket, says_that_nothing_is_there) {
  const TemporaryDirectory directory;
  EXPECT_EQ(connect_unix(directory.path() / "socket").error(),
            std::errc::no_such_file_or_directory);
}

TEST(Fd, closes_what_it_owns_and_only_that) {
  auto [one, other] = socket_pair().value();
  const int number = one.get();
  Fd moved = std::move(one);
  EXPECT_EQ(moved.get(), number);
  moved = std::move(other);  // closes the first
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  const int released = moved.release();
  moved.reset();
  EXPECT_NE(::fcntl(released, F_GETFD), -1);
  EXPECT_FALSE(moved);
  ::close(released);
}

TEST(Fd, duplicates_close_on_exec) {
  const auto ends = socket_pair().value();
  const Fd copy = ends.first.duplicate();
  ASSERT_TRUE(copy);
  EXPECT_NE(copy.get(), ends.first.get());
  EXPECT_TRUE(is_close_on_exec(copy));
  EXPECT_FALSE(Fd().duplicate());
}

}  // namespace
}  // namespace hearth::protocol
