// A native program's way to become a zygote: libc is about to call its main, all its constructors
// have run, and here a server of forks comes in between, each of which goes on to that main.
//
// Only in the process that the daemon means: the one that has $HEARTH_ZYGOTE, which is taken out of
// the environment when this library is loaded, and only in the program that it means.
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "plugin-shim/preload/fork_server.h"
#include "plugin-shim/preload/gate.h"
#include "plugin-shim/preload/next.h"
#include "plugin-shim/preload/own_variable.h"

namespace hearth::zygote {
namespace {

using Main = int (*)(int, char**, char**);

// Of this process, for good: what runs at its very end may still ask for it.
ForkServer* server = nullptr;
Main real_main = nullptr;

// The descriptor that the daemon has named; -1: none. With a `+` after it LD_BIND_NOW is the
// daemon's, too.
int take_control() {
  const std::string_view value = take_variable("HEARTH_ZYGOTE=");
  int fd = -1;
  std::from_chars(value.data(), value.data() + value.size(), fd);
  if (value.ends_with('+')) take_variable("LD_BIND_NOW=");
  return fd;
}

// Of the constructors of shared libraries one of the first that run, and before all of the
// program's own.
__attribute__((constructor)) void prepare() {
  const recorder::Passage passage{recorder::Passage::AsOwner{}};
  const int control = take_control();
  if (control >= 0) server = ForkServer::prepare(control).release();
}

int main_of_zygote(int, char**, char**) {
  const Arguments arguments = server->serve();
  return real_main(arguments.count, arguments.words, environ);
}

}  // namespace
}  // namespace hearth::zygote

// The name is libc's. NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" int __libc_start_main(hearth::zygote::Main, int, char**, void (*)(), void (*)(),
                                 void (*)(), void*);

HEARTH_WRAPPER int __libc_start_main(hearth::zygote::Main main, int count, char** words,
                                     void (*init)(), void (*fini)(), void (*end_loader)(),
                                     void* stack_end) {
  HEARTH_NEXT(__libc_start_main);
  if (hearth::zygote::server != nullptr) {
    hearth::zygote::real_main = main;
    main = hearth::zygote::main_of_zygote;
  }
  return next(main, count, words, init, fini, end_loader, stack_end);
}
// NOLINTEND(bugprone-reserved-identifier)
