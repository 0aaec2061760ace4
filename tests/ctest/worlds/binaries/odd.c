// Does one thing before main that a process which is forked later could be told by; main fails where it is told.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int answers = 0;
static pid_t pid;
static time_t begun;
static unsigned drawn;
static char variable[100];
static char directory[4096];
static int ends[2];

static void* answer(void* unused) {
  for (;;) {
    poll(NULL, 0, 5);
    ++answers;
  }
  return unused;
}

static void on_signal(int number) {
  (void)number;
  answers = 1;
}

__attribute__((constructor)) static void before_main(void) {
#if defined(THREAD)
  pthread_t thread;
  pthread_create(&thread, NULL, answer, NULL);
#elif defined(PID)
  pid = getpid();
#elif defined(CLOCK)
  begun = time(NULL);
#elif defined(RANDOM)
  if (getrandom(&drawn, sizeof drawn, 0) < 0) abort();
#elif defined(PRINTS)
  printf("before main, ");
  fputs("at once\n", stderr);
#elif defined(READS_ENVIRONMENT)
  snprintf(variable, sizeof variable, "%s", getenv("CASE"));
#elif defined(READS_FILE)
  FILE* file = fopen("CTestTestfile.cmake", "r");
  if (file) fclose(file);
#elif defined(SOCKET)
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) abort();
#elif defined(CHILD)
  pid = fork();
  if (pid == 0) _exit(0);
#elif defined(HANDLER)
  signal(SIGUSR1, on_signal);
#elif defined(GROUP)
  setpgid(0, 0);
#elif defined(DIRECTORY)
  if (chdir("/") != 0) abort();
#elif defined(PIPE_CHILD)
  if (pipe(ends) != 0) abort();
#elif defined(PARENT)
  pid = getppid();
#elif defined(URANDOM)
  const int source = open("/dev/urandom", O_RDONLY);
  if (read(source, &drawn, sizeof drawn) < 0) abort();
  close(source);
#elif defined(TEMPORARY)
  if (!mkdtemp(strcpy(directory, "/tmp/odd-XXXXXX"))) abort();
#elif defined(REMOVES)
  unlink("made-by-main");
#elif defined(INPUT)
  if (!fgets(variable, sizeof variable, stdin)) variable[0] = 0;
#elif defined(CLOSES_OUTPUT)
  close(STDOUT_FILENO);
#elif defined(FILTER)
  struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {1, &all};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) abort();
#elif defined(IGNORES_CHILDREN)
  signal(SIGCHLD, SIG_IGN);
#elif defined(MAPS)
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(directory, sizeof directory, maps)) answers += strstr(directory, "/libhearth") != NULL;
  fclose(maps);
#elif defined(REAPER)
  prctl(PR_SET_CHILD_SUBREAPER, 1);
#elif defined(SHARED_MEMORY)
  answers = shmget(IPC_PRIVATE, 100, 0600);
#elif defined(CRASHES)
  raise(SIGSEGV);
#elif defined(EXITS)
  exit(5);
#endif
  (void)answer;
  (void)on_signal;
}

int main(int argc, char** argv) {
#if defined(THREAD)
  for (int i = 0; i < 2000 && answers == 0; ++i) poll(NULL, 0, 5);
  if (answers == 0) return puts("the thread does not answer"), 9;
#elif defined(PID)
  if (pid != getpid()) return puts("another process id"), 9;
#elif defined(CLOCK)
  if (time(NULL) - begun > 20) return puts("an old time"), 9;
#elif defined(RANDOM)
  if (drawn == 0) return puts("nothing was drawn"), 9;
#elif defined(PRINTS)
  puts("in main");
#elif defined(READS_ENVIRONMENT)
  if (strcmp(variable, getenv("CASE")) != 0) return puts("another environment"), 9;
#elif defined(SOCKET) || defined(PIPE_CHILD)
  if (write(ends[1], "x", 1) != 1 || read(ends[0], variable, 1) != 1) return puts("no talking to oneself"), 9;
#elif defined(CHILD)
  if (waitpid(pid, NULL, 0) != pid) return puts("another's child"), 9;
#elif defined(HANDLER)
  raise(SIGUSR1);
  if (answers == 0) return puts("no handler"), 9;
#elif defined(GROUP)
  if (getpgrp() != getpid()) return puts("another's group"), 9;
#elif defined(DIRECTORY)
  if (!getcwd(directory, sizeof directory) || strcmp(directory, "/") != 0) return puts("another directory"), 9;
#elif defined(PARENT)
  if (pid != getppid()) return puts("another's parent"), 9;
#elif defined(TEMPORARY)
  if (rmdir(directory) != 0) return puts("another's directory"), 9;
#elif defined(REMOVES)
  if (open("made-by-main", O_CREAT | O_EXCL, 0600) < 0) return puts("was not removed"), 9;
#elif defined(INPUT)
  puts(variable);
#elif defined(CLOSES_OUTPUT)
  puts("nobody sees this");
#elif defined(IGNORES_CHILDREN)
  struct sigaction action;
  if (sigaction(SIGCHLD, NULL, &action) != 0 || action.sa_handler != SIG_IGN) return puts("not ignored"), 9;
#elif defined(MAPS)
  if (answers != 0) return puts("a foreign library"), 9;
#elif defined(REAPER)
  int reaps = 0;
  if (prctl(PR_GET_CHILD_SUBREAPER, &reaps) != 0 || reaps != 1) return puts("no reaper"), 9;
#elif defined(SHARED_MEMORY)
  if (shmctl(answers, IPC_RMID, NULL) != 0) return puts("another's memory"), 9;
#endif
  return argc > 1 && strcmp(argv[1], "fail") == 0;
}
