// Forking, reaping and ending processes without what Python's own functions do besides.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

// os.fork would warn (Python 3.12+) where a library's threads end only in its fork handler; and it
// raises an audit event.
PyObject* fork_process(PyObject*, PyObject*) {
  PyOS_BeforeFork();
  const pid_t pid = fork();
  const int error = errno;
  if (pid == 0) {
    PyOS_AfterFork_Child();
  } else {
    PyOS_AfterFork_Parent();
  }
  if (pid < 0) {
    errno = error;
    return os_error();
  }
  return PyLong_FromLong(pid);
}

// Runs the fork handlers of C libraries, none of Python's.
PyObject* fork_nothing(PyObject*, PyObject*) {
  const pid_t pid = fork();
  if (pid < 0) return os_error();
  if (pid == 0) _exit(0);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  Py_RETURN_NONE;
}

PyObject* begin_life(PyObject*, PyObject* args) {
  int parent = 0;
  if (PyArg_ParseTuple(args, "i", &parent) == 0) return nullptr;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before that call: the same end, by which hearthd knows the reason.
  if (getppid() != parent) kill(getpid(), SIGKILL);
  Py_RETURN_NONE;
}

PyObject* open_pidfd(PyObject*, PyObject* args) {
  int pid = 0;
  if (PyArg_ParseTuple(args, "i", &pid) == 0) return nullptr;
  const long fd = syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? os_error() : PyLong_FromLong(fd);
}

PyObject* reap(PyObject*, PyObject* args) {
  int pid = 0;
  if (PyArg_ParseTuple(args, "i", &pid) == 0) return nullptr;
  int status = 0;
  rusage usage{};
  const pid_t got = wait4(pid, &status, WNOHANG, &usage);
  if (got < 0) return os_error();
  if (got == 0) Py_RETURN_NONE;
  const auto microseconds = [](const timeval& time) {
    return static_cast<long long>(time.tv_sec) * 1000000 + time.tv_usec;
  };
  return Py_BuildValue("iLLL", status, microseconds(usage.ru_utime), microseconds(usage.ru_stime),
                       static_cast<long long>(usage.ru_maxrss));
}

PyObject* has_children(PyObject*, PyObject*) {
  siginfo_t info{};
  const int result = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
  return PyBool_FromLong(result == 0 ? 1 : 0);
}

PyObject* move_high(PyObject*, PyObject* args) {
  int fd = -1;
  if (PyArg_ParseTuple(args, "i", &fd) == 0) return nullptr;
  // Out of the way of programs that expect or close low numbers.
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const int lowest = limit.rlim_cur > 1000 ? 900 : limit.rlim_cur > 100 ? 64 : 3;
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  if (moved < 0) return os_error();
  close(fd);
  return PyLong_FromLong(moved);
}

// Python was started without `site`, which is loaded later: nobody need see that.
PyObject* forget_no_site_flag(PyObject*, PyObject*) {
  constexpr Py_ssize_t index = 6;
  PyObject* flags = PySys_GetObject("flags");  // borrowed
  if (flags == nullptr) Py_RETURN_NONE;
  const Object named(PyObject_GetAttrString(flags, "no_site"));
  if (!named) return nullptr;
  if (named.get() != PyTuple_GetItem(flags, index)) {
    PyErr_SetString(PyExc_RuntimeError, "sys.flags has another order");
    return nullptr;
  }
  PyStructSequence_SetItem(flags, index, PyLong_FromLong(0));
  Py_RETURN_NONE;
}

PyObject* end_process(PyObject*, PyObject* args) {
  int code = 0;
  if (PyArg_ParseTuple(args, "i", &code) == 0) return nullptr;
  std::exit(code);  // NOLINT(concurrency-mt-unsafe): this is the end
}

PyObject* die_of(PyObject*, PyObject* args) {
  int number = 0;
  if (PyArg_ParseTuple(args, "i", &number) == 0) return nullptr;
  std::signal(number, SIG_DFL);
  kill(getpid(), number);
  std::exit(128 + number);  // NOLINT(concurrency-mt-unsafe): the signal is blocked
}

// What a process says of a signal before another handler does the rest.
struct Announcement {
  int fd = -1;
  std::array<char, 64> text{};
  std::size_t size = 0;
  struct sigaction next {};
};
Announcement announcement;

extern "C" void announce_and_go_on(int number) {
  [[maybe_unused]] const auto count =
      write(announcement.fd, announcement.text.data(), announcement.size);
  sigaction(number, &announcement.next, nullptr);
  raise(number);
}

PyObject* announce_signal(PyObject*, PyObject* args) {
  int number = 0;
  int fd = -1;
  const char* text = nullptr;
  Py_ssize_t size = 0;
  if (PyArg_ParseTuple(args, "iiy#", &number, &fd, &text, &size) == 0) return nullptr;
  announcement.fd = fd;
  announcement.size = std::min(announcement.text.size(), static_cast<std::size_t>(size));
  std::copy_n(text, announcement.size, announcement.text.begin());
  struct sigaction ours {};
  ours.sa_handler = announce_and_go_on;
  ours.sa_flags = SA_NODEFER | SA_ONSTACK;
  if (sigaction(number, &ours, &announcement.next) != 0) return os_error();
  Py_RETURN_NONE;
}

timespec delay{};

extern "C" void wait_a_while(int /*number*/) {
  timespec left = delay;
  nanosleep(&left, nullptr);
}

PyObject* delay_at(PyObject*, PyObject* args) {
  int number = 0;
  int seconds = 0;
  if (PyArg_ParseTuple(args, "ii", &number, &seconds) == 0) return nullptr;
  delay.tv_sec = seconds;
  struct sigaction ours {};
  ours.sa_handler = wait_a_while;
  ours.sa_flags = SA_RESTART | SA_ONSTACK;
  if (sigaction(number, &ours, nullptr) != 0) return os_error();
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef process_methods[] = {
    {"fork", fork_process, METH_NOARGS,
     "fork() -> int: as os.fork, without warning and audit event."},
    {"fork_nothing", fork_nothing, METH_NOARGS,
     "fork_nothing(): fork a child that exits at once, and wait for it."},
    {"begin_life", begin_life, METH_VARARGS,
     "begin_life(parent): a process group of its own; dies with its parent."},
    {"open_pidfd", open_pidfd, METH_VARARGS, "open_pidfd(pid) -> int"},
    {"reap", reap, METH_VARARGS,
     "reap(pid) -> (wait_status, user_us, system_us, max_rss_kib) | None: None while it runs."},
    {"has_children", has_children, METH_NOARGS,
     "has_children() -> bool: running or not yet waited for."},
    {"move_high", move_high, METH_VARARGS,
     "move_high(fd) -> int: the same under a high number; fd is closed."},
    {"forget_no_site_flag", forget_no_site_flag, METH_NOARGS,
     "forget_no_site_flag(): sys.flags.no_site as if Python had been started without -S."},
    {"end_process", end_process, METH_VARARGS,
     "end_process(code): C's exit, without finalising Python."},
    {"die_of", die_of, METH_VARARGS, "die_of(signal): end by this signal's default action."},
    {"announce_signal", announce_signal, METH_VARARGS,
     "announce_signal(signal, fd, text): once it comes, write this, and go on as the handler does "
     "that is in place now."},
    {"delay_at", delay_at, METH_VARARGS,
     "delay_at(signal, seconds): the thread that gets it waits, and does not come back from a call "
     "that it interrupts; in one process for one signal."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
