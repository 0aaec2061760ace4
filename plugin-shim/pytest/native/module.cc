// _native: what the Python side of hearth leaves to C++. Private to the package; the docstrings are
// the reference.
#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {

bool path_bytes(PyObject* path, std::string& result) {
  PyObject* converted = nullptr;
  if (PyUnicode_FSConverter(path, &converted) == 0) return false;
  const Object owner(converted);
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(converted, &data, &size) != 0) return false;
  result.assign(data, static_cast<std::size_t>(size));
  return true;
}

namespace {

int add_methods(PyObject* module) {
  for (PyMethodDef* methods :
       {calls_methods, codec_methods, context_methods, culprit_methods, environment_methods,
        findings_methods, memory_methods, process_methods, recorder_methods, sockets_methods,
        streams_methods}) {
    if (PyModule_AddFunctions(module, methods) != 0) return -1;
  }
  return 0;
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(add_methods)},
    {0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_native",
    "hearth's C++ parts; private.",
    0,
    nullptr,
    slots,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace
}  // namespace hearth::python

// The name is Python's choice. NOLINTNEXTLINE(bugprone-reserved-identifier)
PyMODINIT_FUNC PyInit__native() { return PyModuleDef_Init(&hearth::python::definition); }
