// What sanitizers find, and what they must not find; with THREAD a thread is there before main.
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int shared;

static void* touch(void* unused) {
  ++shared;
  return unused;
}

static void* wait_for_ever(void* unused) {
  poll(NULL, 0, -1);
  return unused;
}

__attribute__((constructor)) static void before_main(void) {
#ifdef THREAD
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_ever, NULL);
#endif
  (void)wait_for_ever;
}

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "fine";
  if (strcmp(name, "use-after-free") == 0) {
    char* volatile memory = malloc(10);
    free(memory);
    return memory[3] == 17;
  }
  if (strcmp(name, "leak") == 0) {
    char* volatile memory = malloc(10);
    memory = NULL;
    return memory != NULL;
  }
  if (strcmp(name, "overflow") == 0) {
    volatile int number = INT_MAX;
    number += argc;
    return number == 0;
  }
  if (strcmp(name, "race") == 0) {
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, touch, NULL);
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  }
  return 0;
}
