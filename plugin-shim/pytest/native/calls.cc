// Calling without leaving a frame.
#include <array>
#include <cstddef>
#include <string>
#include <utility>

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

PyObject* call_in_turn_to_the_end(PyObject*, PyObject* args) {
  PyObject* first = nullptr;
  PyObject* then = nullptr;
  if (PyArg_ParseTuple(args, "OO", &first, &then) == 0) return nullptr;
  const Object done(PyObject_CallObject(first, nullptr));
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  if (!done) {
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  }
  const Object owned_type(type);
  const Object error(value);
  const Object owned_traceback(traceback);
  return PyObject_CallFunctionObjArgs(then, error ? error.get() : Py_None, nullptr);
}

// ---- methods that are asked about first

struct Method {
  std::string name;  // that Python points to
  PyMethodDef definition{};
  PyObject* ask = nullptr;       // both owned for ever
  PyObject* original = nullptr;  // as found in the class
};
constexpr std::size_t most_methods = 8;

std::array<Method, most_methods>& methods() {
  static auto* all = new std::array<Method, most_methods>;  // never destroyed: classes point to it
  return *all;
}

PyObject* with_first(PyObject* first, PyObject* rest) {
  const Py_ssize_t count = PyTuple_Size(rest);
  Object all(PyTuple_New(count + 1));
  if (!all) return nullptr;
  Py_INCREF(first);
  PyTuple_SetItem(all.get(), 0, first);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* each = PyTuple_GetItem(rest, i);
    Py_INCREF(each);
    PyTuple_SetItem(all.get(), i + 1, each);
  }
  return all.release();
}

template <std::size_t number>
PyObject* ask_first(PyObject* self, PyObject* args, PyObject* named) {
  const Method& method = methods()[number];
  const Object all(with_first(self, args));
  if (!all) return nullptr;
  PyObject* result = PyObject_Call(method.ask, all.get(), named);
  if (result != Py_NotImplemented) return result;
  Py_DECREF(result);
  return PyObject_Call(method.original, all.get(), named);
}

template <std::size_t... numbers>
PyCFunctionWithKeywords function_of(std::size_t number, std::index_sequence<numbers...>) {
  constexpr std::array<PyCFunctionWithKeywords, sizeof...(numbers)> all{ask_first<numbers>...};
  return all[number];
}

PyObject* ask_before(PyObject*, PyObject* args) {
  static std::size_t used = 0;
  PyObject* type = nullptr;
  const char* name = nullptr;
  PyObject* ask = nullptr;
  if (PyArg_ParseTuple(args, "O!sO", &PyType_Type, &type, &name, &ask) == 0) return nullptr;
  if (used == most_methods) {
    PyErr_SetString(PyExc_RuntimeError, "too many methods");
    return nullptr;
  }
  PyObject* original = PyObject_GetAttrString(type, name);
  if (original == nullptr) return nullptr;
  Method& method = methods()[used];
  const auto function = function_of(used, std::make_index_sequence<most_methods>{});
  ++used;
  Py_INCREF(ask);
  method.name = name;
  method.ask = ask;
  method.original = original;
  method.definition = {method.name.c_str(),
                       reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)),
                       METH_VARARGS | METH_KEYWORDS, nullptr};
  const Object descriptor(
      PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type), &method.definition));
  if (!descriptor || PyObject_SetAttrString(type, name, descriptor.get()) != 0) return nullptr;
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef calls_methods[] = {
    {"ask_before", ask_before, METH_VARARGS,
     "ask_before(type, name, ask): the class's method, where a class's other methods are found, is "
     "called only if "
     "ask(self, ...) has returned NotImplemented; no traceback tells of it. For the process's "
     "life; "
     "at most eight."},
    {"call_in_turn", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call_in_turn)),
     METH_VARARGS | METH_KEYWORDS,
     "call_in_turn(first, then, **arguments): first(arguments), then the result of "
     "then(**arguments), of which no traceback tells that it was called from here."},
    {"call_in_turn_to_the_end", call_in_turn_to_the_end, METH_VARARGS,
     "call_in_turn_to_the_end(first, then): first(), then the result of then(error), with what the "
     "first has raised, or None."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
