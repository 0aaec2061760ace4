// Does one thing before main that a process which is forked later could be told by; main fails where it is told.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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
#endif
  return argc > 1 && strcmp(argv[1], "fail") == 0;
}
