// Calling without leaving a frame.
#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

PyObject* call_in_turn(PyObject*, PyObject* args, PyObject* named) {
  PyObject* first = nullptr;
  PyObject* then = nullptr;
  if (PyArg_ParseTuple(args, "OO", &first, &then) == 0) return nullptr;
  const Object arguments(named != nullptr ? PyDict_Copy(named) : PyDict_New());
  if (!arguments) return nullptr;
  const Object done(PyObject_CallFunctionObjArgs(first, arguments.get(), nullptr));
  if (!done) return nullptr;
  const Object nothing(PyTuple_New(0));
  return nothing ? PyObject_Call(then, nothing.get(), named) : nullptr;
}

}  // namespace

PyMethodDef calls_methods[] = {
    {"call_in_turn", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call_in_turn)),
     METH_VARARGS | METH_KEYWORDS,
     "call_in_turn(first, then, **arguments): first(arguments), then the result of "
     "then(**arguments), of which no traceback tells that it was called from here."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
