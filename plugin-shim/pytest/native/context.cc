// Giving a fork what its run's client has: priorities, processors, limits.
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

// Whether all of a sequence were taken; else a Python error is set.
template <typename Function>
bool for_each(PyObject* sequence, const Function& take) {
  const Py_ssize_t count = PySequence_Size(sequence);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Object item(PySequence_GetItem(sequence, i));
    if (!item || !take(item.get())) return false;
  }
  return count >= 0;
}

bool set_processors(PyObject* numbers) {
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  const bool all = for_each(numbers, [&](PyObject* item) {
    const auto number = PyLong_AsUnsignedLong(item);
    if (PyErr_Occurred() != nullptr) return false;
    if (number < CPU_SETSIZE) CPU_SET(number, &wanted);
    return true;
  });
  if (!all) return false;
  cpu_set_t present;
  CPU_ZERO(&present);
  sched_getaffinity(0, sizeof present, &present);
  if (CPU_COUNT(&wanted) == 0 || CPU_EQUAL(&wanted, &present)) return true;
  if (sched_setaffinity(0, sizeof wanted, &wanted) == 0) return true;
  os_error();
  return false;
}

bool set_limit(PyObject* item) {
  int number = 0;
  unsigned long long soft = 0;
  unsigned long long hard = 0;
  if (PyArg_ParseTuple(item, "iKK", &number, &soft, &hard) == 0) return false;
  const auto resource = static_cast<__rlimit_resource_t>(number);
  rlimit present{};
  if (getrlimit(resource, &present) == 0 && present.rlim_cur == soft && present.rlim_max == hard)
    return true;
  const rlimit wanted{.rlim_cur = soft, .rlim_max = hard};
  if (setrlimit(resource, &wanted) == 0) return true;
  os_error();
  return false;
}

PyObject* set_context(PyObject*, PyObject* args) {
  int nice = 0;
  int io_priority = 0;
  PyObject* processors = nullptr;
  PyObject* limits = nullptr;
  if (PyArg_ParseTuple(args, "iiOO", &nice, &io_priority, &processors, &limits) == 0)
    return nullptr;
  if (getpriority(PRIO_PROCESS, 0) != nice && setpriority(PRIO_PROCESS, 0, nice) != 0)
    return os_error();
  // Not every kernel and scheduler has it, and no result depends on it.
  constexpr int this_process = 1;  // IOPRIO_WHO_PROCESS
  if (syscall(SYS_ioprio_get, this_process, 0) != io_priority)
    syscall(SYS_ioprio_set, this_process, 0, io_priority);
  if (!set_processors(processors) || !for_each(limits, set_limit)) return nullptr;
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef context_methods[] = {
    {"set_context", set_context, METH_VARARGS,
     "set_context(nice, io_priority, processors, limits): limits are (resource, soft, hard); "
     "no processors: as they are. OSError for what this process may not have."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
