// A real hearthd in a runtime directory of its own, with fake zygotes. Each test ends with a stop
// that must leave nothing: no process, socket or directory.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocol/fd.h"
#include "test_client.h"

namespace hearth::tests {

class DaemonFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // What it says on its ready descriptor.
  std::string start(const std::vector<std::string>& environment = {});
  // Ends it with `stop`, and checks that nothing is left.
  void stop();
  void kill_daemon();  // with SIGKILL
  bool is_running() const;

  // Until it is so; fails the test after 15 seconds.
  void wait_until(const char* what, const std::function<bool()>& is_so);

  std::unique_ptr<TestClient> client() { return std::make_unique<TestClient>(endpoints_); }
  protocol::Status status() { return observer_->status(); }
  // A run of nothing special comes to its end, as ever.
  void expect_that_it_serves();
  // No run is in progress, and no process is below the daemon but zygotes.
  void wait_until_idle();
  std::size_t open_descriptors() const;
  std::uint64_t resident_kib() const;

  std::vector<pid_t> zygotes(protocol::Stage stage, protocol::Flavour flavour);
  // Below the daemon, and no zygotes. A zygote that has just been forked may be among them.
  std::vector<pid_t> processes_of_runs();
  bool has_session();  // of the only run, in execution
  // A file in the test's directory: a mark for `once:…=PATH`.
  std::string mark(const std::string& name);
  static bool exists(const std::string& path);

  protocol::Endpoints endpoints_;
  std::string directory_;
  pid_t daemon_ = 0;
  std::unique_ptr<TestClient> observer_;
};

}  // namespace hearth::tests
