// A test program in the manner of a framework's: the first argument names the case. Built with what
// each variant wants (see test_native.py).
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

extern char** environ;

namespace {

#ifdef PRINTS
const int printed = std::printf("before main\n");
#endif
#ifdef WRITES_DIRECTLY
const auto written = write(1, "directly\n", 9);
#endif
#ifdef ASKS_PID
const int pid_before_main = getpid();
#endif
#ifdef ASKS_CLOCK
const auto began = time(nullptr);
#endif
#ifdef READS_FILE
std::string first_line(const char* path) {
  char line[100] = "";
  if (FILE* file = std::fopen(path, "r")) {
    if (std::fgets(line, sizeof line, file) == nullptr) line[0] = '\0';
    std::fclose(file);
  }
  return line;
}
const std::string configuration = first_line("configuration.txt");
#endif
#ifdef CRASHES
const int crashed = raise(SIGSEGV);
#endif
#ifdef STARTS_THREAD
pthread_t thread;
const int started = pthread_create(
    &thread, nullptr,
    [](void*) -> void* {
      for (;;) pause();
    },
    nullptr);
#endif
#ifdef STARTS_PROCESS
const int ended = std::system("true");
#endif
#ifdef LOCKS_MEMORY
char locked[4096];
const int lock = mlock(locked, sizeof locked);
#endif
#ifdef KEEPS_MEMORY
void* const kept_memory = [] {
  void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(memory, 4096, MADV_DONTFORK);
  return memory;
}();
#endif
#ifdef KEEPS_FILE_OPEN
const int kept = open("/etc/passwd", O_RDONLY);
#endif
#ifdef PATCHES_CODE
__attribute__((noinline, aligned(64))) int answer() { return 41; }
__attribute__((noinline, aligned(64))) int better_answer() { return 42; }
const int patched = [] {
  const auto page = static_cast<std::uintptr_t>(getpagesize());
  const auto begin = reinterpret_cast<std::uintptr_t>(&answer) / page * page;
  mprotect(reinterpret_cast<void*>(begin), 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC);
  char* const code = reinterpret_cast<char*>(&answer);
  std::memcpy(code, reinterpret_cast<char*>(&better_answer), 64);
  __builtin___clear_cache(code, code + 64);
  return mprotect(reinterpret_cast<void*>(begin), 2 * page, PROT_READ | PROT_EXEC);
}();
#endif
#ifdef WRITES_FILE
const int made = [] {
  FILE* file = std::fopen("made.txt", "a");
  std::fputs("x", file);
  return std::fclose(file);
}();
#endif

int show(int count, char** words) {
  std::printf("arguments");
  for (int i = 0; i < count; ++i) std::printf(" [%s]", words[i]);
  for (const char* path : {"/proc/self/cmdline", "/proc/self/environ"}) {
    std::printf("\n%s ", path);
    if (FILE* file = std::fopen(path, "r")) {
      for (int c = std::getc(file); c != EOF; c = std::getc(file)) std::putchar(c == 0 ? '|' : c);
      std::fclose(file);
    }
  }
  char directory[4096];
  std::printf("\ndirectory %s\n", getcwd(directory, sizeof directory));
  for (char** entry = environ; *entry != nullptr; ++entry) std::printf("%s\n", *entry);
  const mode_t mask = umask(0);
  std::printf("umask %o\n", mask);
  for (int fd = 0; fd < 64; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) std::printf("open %d\n", fd);
  }
  for (int signal = 1; signal < 32; ++signal) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      std::printf("ignored %d\n", signal);
  }
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  for (int signal = 1; signal < 32; ++signal) {
    if (sigismember(&blocked, signal) == 1) std::printf("blocked %d\n", signal);
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::string name = count > 1 ? words[1] : "";
  if (name == "show") return show(count, words);
  if (name == "pid") return std::printf("pid %d parent %d\n", getpid(), getppid()) < 0;
  if (name == "fail") return 42;
#ifdef PATCHES_CODE
  if (name == "answer") return std::printf("%d\n", answer()) < 0;
#endif
  if (name == "abort") std::abort();
  if (name == "crash") return raise(SIGSEGV);
  if (name == "leave") _exit(7);
  if (name == "echo") {
    for (int c = std::getchar(); c != EOF; c = std::getchar()) std::putchar(c);
    std::fputs("done\n", stderr);
    return 0;
  }
  if (name == "wait") {
    std::printf("waiting %d\n", getpid());
    std::fflush(stdout);
    for (;;) pause();
  }
  // NAME, a pipe to say so to, a pipe to wait for a byte of (see tests/support/events.py).
  if (name == "reach") {
    const std::string line = words[2] + (" " + std::to_string(getpid())) + "\n";
    const int reached = open(words[3], O_WRONLY);
    if (write(reached, line.data(), line.size()) < 0) return 1;
    char byte = 0;
    return read(open(words[4], O_RDONLY), &byte, 1) == 1 ? 0 : 1;
  }
  // NAME, a file to say so in, microseconds to take, an exit code.
  if (name == "journal") {
    const int journal = open(words[3], O_WRONLY | O_APPEND | O_CREAT, 0644);
    const auto say = [&](const char* what) {
      const std::string line = what + std::string(words[2]) + "\n";
      return write(journal, line.data(), line.size()) < 0;
    };
    if (say("begin ")) return 99;
    usleep(static_cast<useconds_t>(std::atoi(words[4])));
    return say("end ") ? 99 : std::atoi(words[5]);
  }
  if (name == "configure") {
    FILE* file = std::fopen("configuration.txt", "w");
    std::fputs(words[2], file);
    return std::fclose(file);
  }
  // A child that makes this file a moment later, and then tells so.
  if (name == "makes-later") {
    if (fork() == 0) {
      usleep(300'000);
      close(open(words[2], O_WRONLY | O_CREAT, 0644));
      return std::puts("made") < 0;
    }
    return 0;
  }
  if (name == "needs") return access(words[2], F_OK) == 0 ? 0 : 1;
  if (name == "sleep") return usleep(static_cast<useconds_t>(std::atoi(words[2])));
  if (name == "leaves-child") {
    if (fork() == 0) {
      for (;;) pause();
    }
    return 0;
  }
  if (name == "child") {
    const pid_t child = fork();
    if (child == 0) {
      setsid();
      for (;;) pause();
    }
    std::printf("child %d\n", child);
    std::fflush(stdout);
    for (;;) pause();
  }
#ifdef READS_FILE
  if (name == "configuration") return std::printf("<%s>\n", configuration.c_str()) < 0;
#endif
#ifdef ASKS_PID
  if (name == "same") return pid_before_main == getpid() ? 0 : 1;
#endif
#ifdef HAS_BUGS
  if (name == "use-after-free") {
    auto* memory = new int(3);
    delete memory;
    return *const_cast<volatile int*>(memory);
  }
  if (name == "overflow") {
    volatile int large = 0x7fffffff;
    large = large + 1;
    return 0;
  }
  if (name == "leak") {
    for (int i = 0; i < 100; ++i) {  // what a register still holds is not lost
      auto* volatile lost = new int(3);
      lost = nullptr;
    }
    return 0;
  }
#endif
  std::printf("passed\n");
  return 0;
}
