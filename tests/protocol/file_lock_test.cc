#include "protocol/file_lock.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "temporary_directory.h"

namespace hearth::protocol {
namespace {

using Held = FileLock::Held;

class FileLockTest : public testing::Test {
 protected:
  std::filesystem::path path() const { return directory_.path() / "lock"; }

  TemporaryDirectory directory_;
};

TEST_F(FileLockTest, is_held_by_one_at_a_time) {
  auto first = FileLock::acquire(path(), Held::give_up);
  ASSERT_TRUE(first);
  const auto second = FileLock::acquire(path(), Held::give_up);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), std::errc::operation_would_block);
  first = tl::unexpected(std::error_code());
  EXPECT_TRUE(FileLock::acquire(path(), Held::give_up));
}

TEST_F(FileLockTest, in_a_directory_that_is_gone_is_an_error) {
  const auto lock = FileLock::acquire(directory_.path() / "gone" / "lock", Held::wait);
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error(), std::errc::no_such_file_or_directory);
}

TEST_F(FileLockTest, that_was_waited_for_is_of_the_file_that_is_there_then) {
  auto first = FileLock::acquire(path(), Held::give_up);
  ASSERT_TRUE(first);
  std::thread waiter([&] {
    const auto second = FileLock::acquire(path(), Held::wait);
    EXPECT_TRUE(second && second->is_current());
  });
  first->remove_file();
  first = tl::unexpected(std::error_code());
  waiter.join();
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(FileLockTest, is_not_current_when_its_file_or_its_directory_is_gone_or_another) {
  const auto place = directory_.path() / "run";
  std::filesystem::create_directory(place);
  const auto lock = FileLock::acquire(place / "lock", Held::give_up);
  ASSERT_TRUE(lock);
  EXPECT_TRUE(lock->is_current());
  std::filesystem::rename(place, directory_.path() / "moved");
  EXPECT_FALSE(lock->is_current());
  std::filesystem::create_directory(place);
  std::ofstream(place / "lock") << "another";
  EXPECT_FALSE(lock->is_current());
}

TEST_F(FileLockTest, removes_no_file_that_has_taken_the_place_of_its_own) {
  auto lock = FileLock::acquire(path(), Held::give_up);
  ASSERT_TRUE(lock);
  std::filesystem::remove(path());
  std::ofstream(path()) << "another";
  lock->remove_file();
  EXPECT_TRUE(std::filesystem::exists(path()));
}

}  // namespace
}  // namespace hearth::protocol
