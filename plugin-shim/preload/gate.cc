#include "plugin-shim/preload/gate.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <ctime>
#include <string_view>

namespace hearth::recorder {

std::atomic<bool> is_open{true};

namespace {

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// In the static block: asking for it allocates nothing.
__attribute__((tls_model("initial-exec"))) thread_local bool is_inside = false;

struct Everything {
  Everything() : record(now_ns()) {
    pthread_atfork([] { pthread_mutex_lock(&lock); }, [] { pthread_mutex_unlock(&lock); },
                   [] {
                     pthread_mutex_unlock(&lock);
                     is_open.store(false, std::memory_order_relaxed);
                   });
  }

  static std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }

  Record record;
  NativeEnvironment environment;
};

// Made by the first call, which may come before any constructor of this library; never destroyed,
// since the last calls come after all of them.
Everything& everything() {
  static auto* instance = new Everything;
  return *instance;
}

}  // namespace

bool Passage::enter() {
  if (is_inside) return false;
  is_inside = true;
  errno_ = errno;
  pthread_mutex_lock(&lock);
  return true;
}

void Passage::leave() const {
  pthread_mutex_unlock(&lock);
  errno = errno_;
  is_inside = false;
}

Record& Passage::record() { return everything().record; }

NativeEnvironment& Passage::environment() { return everything().environment; }

std::string absolute(int directory, const char* path) {
  if (path[0] == '/') return path;
  std::array<char, PATH_MAX> start{};
  if (directory == AT_FDCWD) {
    if (getcwd(start.data(), start.size()) == nullptr) return {};
  } else {
    const std::string name = "/proc/self/fd/" + std::to_string(directory);
    if (readlink(name.c_str(), start.data(), start.size() - 1) <= 0) return {};
  }
  const std::string_view rest = path;
  if (rest.empty() || rest == ".") return start.data();
  return std::string(start.data()) + "/" + path;
}

}  // namespace hearth::recorder
