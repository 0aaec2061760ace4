// One case for each thing that a test may do or look at; what it looks at, it writes to standard output.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;
static int state = 0;

__attribute__((constructor)) static void before_main(void) { ++state; }

static void at_exit(void) { puts("at exit"); }
static void dies_at_exit(void) { raise(SIGABRT); }
static int is(const char* name, const char* wanted) { return strcmp(name, wanted) == 0; }
static int by_name(const void* left, const void* right) { return strcmp(*(char* const*)left, *(char* const*)right); }

static void show_lines(const char* file, const char* beginning) {
  FILE* status = fopen(file, "r");
  char line[4096];
  while (status && fgets(line, sizeof line, status)) {
    if (strncmp(line, beginning, strlen(beginning)) == 0) fputs(line, stdout);
  }
  if (status) fclose(status);
}

static void show_environment(void) {
  int count = 0;
  while (environ[count]) ++count;
  qsort(environ, count, sizeof *environ, by_name);
  for (int i = 0; i < count; ++i) puts(environ[i]);
}

// Descriptors beyond the three, by what they are; the one that lists them is left out.
static void show_descriptors(void) {
  DIR* directory = opendir("/proc/self/fd");
  for (struct dirent* entry; (entry = readdir(directory));) {
    const int number = atoi(entry->d_name);
    struct stat status;
    if (entry->d_name[0] == '.' || number == dirfd(directory) || fstat(number, &status) != 0) continue;
    char target[PATH_MAX] = "";
    if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) < 0) target[0] = 0;
    // ctest 3.25 leaks its log.
    if (strstr(target, "LastTest") != NULL) continue;
    printf("%d: %o\n", number, status.st_mode & S_IFMT);
  }
  closedir(directory);
}

static void show_limits(void) {
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    struct rlimit limit;
    getrlimit(resource, &limit);
    printf("%d: %llx %llx\n", resource, (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
  }
  const mode_t mask = umask(0);
  printf("umask %o, nice %d\n", mask, getpriority(PRIO_PROCESS, 0));
}

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "pass";
  if (is(name, "fail")) return 1;
  if (is(name, "exit-300")) return 300;
  if (is(name, "quick-exit")) {
    printf("lost");
    _exit(3);
  }
  if (is(name, "abort")) {
    printf("lost");
    abort();
  }
  if (is(name, "segfault")) *(volatile int*)8 = 1;
  if (is(name, "killed")) kill(getpid(), SIGKILL);
  if (is(name, "stopped-by-pipe")) {
    int ends[2];
    if (pipe(ends) != 0) return 9;
    close(ends[0]);
    return write(ends[1], "x", 1) < 0 ? 1 : 2;
  }
  if (is(name, "unflushed")) printf("without a line end");
  if (is(name, "at-exit") || is(name, "at-exit-of-fail")) {
    atexit(at_exit);
    if (is(name, "at-exit-of-fail")) exit(2);
  }
  if (is(name, "raise-in-exit")) atexit(dies_at_exit);
  if (is(name, "state")) {
    printf("state %d\n", state++);
    return state == 2 ? 0 : 1;
  }
  if (is(name, "arguments")) {
    for (int i = 0; i < argc; ++i) printf("<%s>\n", i == 0 ? "program" : argv[i]);
    printf("%s, ends with null: %d\n", program_invocation_short_name, argv[argc] == NULL);
    // As they lie in a new process; some runtimes look for them there.
    char** behind = argv + argc + 1;
    printf("the environment lies behind them: %d", *behind != NULL && strchr(*behind, '=') != NULL);
    while (*behind) ++behind;
    unsigned long* word = (unsigned long*)(behind + 1);
    while (word[0] != AT_NULL && word[0] != AT_PAGESZ) word += 2;
    printf(", and auxv: %d\n", word[1] == (unsigned long)sysconf(_SC_PAGESIZE));
  }
  if (is(name, "directory")) {
    char path[PATH_MAX];
    puts(getcwd(path, sizeof path));
  }
  if (is(name, "environment")) show_environment();
  if (is(name, "descriptors")) show_descriptors();
  if (is(name, "signals")) {
    show_lines("/proc/self/status", "SigB");
    show_lines("/proc/self/status", "SigI");
    show_lines("/proc/self/status", "SigC");
  }
  if (is(name, "identity")) {
    show_lines("/proc/self/status", "Name");
    show_lines("/proc/self/status", "NoNewPrivs");
    show_lines("/proc/self/status", "Seccomp:");
    printf("real %d effective %d\n", getuid() == geteuid(), getgid() == getegid());
  }
  if (is(name, "executable")) {
    char path[PATH_MAX] = "";
    puts(readlink("/proc/self/exe", path, sizeof path - 1) > 0 ? path : "?");
  }
  if (is(name, "stdin")) {
    char line[100];
    while (fgets(line, sizeof line, stdin)) printf("read %s", line);
    puts("end");
  }
  if (is(name, "main-thread")) {
    show_lines("/proc/self/status", "Threads");
    return gettid() == getpid() ? 0 : 1;
  }
  if (is(name, "limits")) show_limits();
  if (is(name, "session")) return setsid() == getpid() ? 0 : 1;
  if (is(name, "forks-and-waits")) {
    const pid_t child = fork();
    if (child == 0) _exit(7);
    int status = 0;
    printf("waited %d, ", waitpid(child, &status, 0) == child);
    printf("status %d, more %d\n", WEXITSTATUS(status), (int)waitpid(-1, &status, 0));
  }
  if (is(name, "many-writes")) {
    for (int i = 0; i < 20000; ++i) fprintf(i % 2 ? stderr : stdout, "%d\n", i);
  }
  if (is(name, "sleeps")) {
    puts("begun");
    fflush(stdout);
    poll(NULL, 0, 30000);
  }
  if (is(name, "sleeps-in-child")) {
    if (fork() == 0) poll(NULL, 0, 30000);
    else wait(NULL);
  }
  return 0;
}
