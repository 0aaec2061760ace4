// A pool with real processes: a fake zygote that speaks the protocol (fake_zygote.cc).
#pragma once

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "daemon/native_pool.h"
#include "daemon/preparer.h"
#include "daemon/zygote_pool.h"
#include "tests/daemon/pool_fixture.h"

namespace hearth::daemon {

using protocol::Flavour;
using protocol::Stage;

class ZygotePoolTest : public PoolFixture {
 protected:
  void TearDown() override {
    pool_.kill_all();
    wait_until_none_is_left();
    std::filesystem::remove_all(directory_);
  }

  ProcessRequest request(std::vector<std::string> args, Flavour flavour = Flavour::session) {
    ProcessRequest wanted;
    wanted.flavour = flavour;
    wanted.spec.python = FAKE_ZYGOTE;
    wanted.spec.args = std::move(args);
    wanted.spec.directory = "/";
    wanted.spec.environment = {"A=1"};
    if (flavour == Flavour::worker) wanted.identity = {"gw0", 2, "0123"};
    return wanted;
  }

  std::optional<ZygotePool::Result> acquire(ProcessRequest wanted) {
    std::optional<ZygotePool::Result> result;
    pool_.acquire(std::move(wanted), [&](ZygotePool::Result one) { result = std::move(one); });
    run_until([&] { return result.has_value(); });
    return result;
  }

  Zygote* lease(ProcessRequest wanted, bool fork = true) {
    const auto result = acquire(std::move(wanted));
    if (!result) return nullptr;
    const auto* lease = std::get_if<ZygotePool::Lease>(&*result);
    EXPECT_NE(lease, nullptr) << "no lease";
    if (!lease) return nullptr;
    EXPECT_EQ(lease->fork, fork);
    return lease->zygote;
  }

  // What a run does with a lease without fork.
  void hand_over(Zygote* zygote) {
    zygote->start_process({}, {}, [](pid_t) {});
  }

  std::ptrdiff_t ready_stages(Stage stage) {
    const auto all = pool_.status();
    return std::count_if(all.begin(), all.end(), [&](const protocol::ZygoteStatus& each) {
      return each.stage == stage && each.state == "ready";
    });
  }

  static Zygote* interpreter_of(Zygote* zygote) {
    while (zygote->parent()) zygote = zygote->parent();
    return zygote;
  }

  // Of the only one that is ready.
  pid_t ready_pid(Stage stage) {
    for (const auto& each : pool_.status())
      if (each.stage == stage && each.state == "ready") return static_cast<pid_t>(each.pid);
    return 0;
  }

  std::filesystem::path file(const std::string& text) {
    const auto path = std::filesystem::path(directory_) / "read.txt";
    std::ofstream(path) << text;
    return path;
  }

  static std::string new_directory() {
    char name[] = "/tmp/hearth-pool-test-XXXXXX";
    return mkdtemp(name);
  }

  std::string directory_ = new_directory();
  ZygotePool pool_{loop_, processes_, "unused", 32};
  NativePool native_pool_{loop_, processes_, {}, 8, true};  // empty
  Preparer preparer_{loop_, pool_, ImportHistory(directory_ + "/imports"), true};
};

}  // namespace hearth::daemon
