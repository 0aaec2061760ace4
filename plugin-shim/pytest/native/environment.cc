// C's environment, past Python's functions: those raise audit events, which a project's hook would
// see.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

PyObject* environment(PyObject*, PyObject*) {
  Object list(PyList_New(0));
  for (char** entry = environ; list && entry != nullptr && *entry != nullptr; ++entry) {
    const Object bytes(PyBytes_FromString(*entry));
    if (!bytes || PyList_Append(list.get(), bytes.get()) != 0) return nullptr;
  }
  return list.release();
}

// NOLINTBEGIN(concurrency-mt-unsafe): called where the process has one thread.
PyObject* replace_environment(PyObject*, PyObject* entries) {
  clearenv();
  const Py_ssize_t count = PySequence_Size(entries);
  if (count < 0) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Object entry(PySequence_GetItem(entries, i));
    const char* text = entry ? PyBytes_AsString(entry.get()) : nullptr;
    if (text == nullptr) return nullptr;
    const char* separator = std::strchr(text, '=');
    if (separator == nullptr) continue;
    if (setenv(std::string(text, separator).c_str(), separator + 1, 1) != 0) return os_error();
  }
  Py_RETURN_NONE;
}
// NOLINTEND(concurrency-mt-unsafe)

}  // namespace

PyMethodDef environment_methods[] = {
    {"environment", environment, METH_NOARGS,
     "environment() -> list[bytes]: C's environment as NAME=value entries."},
    {"replace_environment", replace_environment, METH_O,
     "replace_environment(entries): make these NAME=value entries C's environment."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
