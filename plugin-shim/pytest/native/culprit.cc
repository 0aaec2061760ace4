#include "plugin-shim/pytest/native/culprit.h"

#include <string_view>
#include <utility>

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

// Directories, each with a separator at its end.
struct Interpreter {
  std::string standard_library;
  std::string own;  // hearth's
};

Interpreter& interpreter() {
  static auto* instance = new Interpreter;  // never destroyed: calls come until the very end
  return *instance;
}

// By what every installer calls its directories, wherever they are and however they came to be on
// the path.
bool is_package(std::string_view file) {
  return file.find("/site-packages/") != std::string_view::npos ||
         file.find("/dist-packages/") != std::string_view::npos;
}

bool is_pytest(std::string_view file) {
  return is_package(file) && (file.find("/_pytest/") != std::string_view::npos ||
                              file.find("/pluggy/") != std::string_view::npos);
}

bool is_standard(std::string_view file) {
  const std::string& directory = interpreter().standard_library;
  return !directory.empty() && file.starts_with(directory) && !is_package(file);
}

std::string text_of(PyObject* object) {
  std::string text;
  if (object == nullptr || !path_bytes(object, text)) PyErr_Clear();
  return text;
}

std::string file_of(PyFrameObject* frame) {
  const Object code(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
  const Object name(code ? PyObject_GetAttrString(code.get(), "co_filename") : nullptr);
  return text_of(name.get());
}

Object back_of(const Object& frame) {
  Object back(PyObject_GetAttrString(frame.get(), "f_back"));
  if (!back) PyErr_Clear();
  if (back.get() == Py_None) return Object();
  return back;
}

// The extension module that the import system is loading in this frame of its own, if it is:
// `_call_with_frames_removed(function, module or spec)`.
std::string extension_loaded_by(PyObject* frame) {
  const Object locals(PyObject_GetAttrString(frame, "f_locals"));
  const Object args(locals ? PyMapping_GetItemString(locals.get(), "args") : nullptr);
  PyObject* subject = nullptr;  // borrowed
  if (args && PyTuple_Check(args.get()) != 0 && PyTuple_Size(args.get()) > 0)
    subject = PyTuple_GetItem(args.get(), 0);
  std::string file;
  for (const char* attribute : {"origin", "__file__"}) {
    if (subject == nullptr || !file.empty()) break;
    const Object value(PyObject_GetAttrString(subject, attribute));
    if (value && PyUnicode_Check(value.get()) != 0) file = text_of(value.get());
  }
  PyErr_Clear();
  return file;
}

Culprit judged(std::string file, long line, std::string through) {
  if (file.empty() || is_standard(file) || file.starts_with(interpreter().own)) return {};
  const auto whose = is_package(file) ? Culprit::Whose::installed : Culprit::Whose::project;
  return {whose, std::move(file), line, std::move(through)};
}

PyObject* set_interpreter(PyObject*, PyObject* args) {
  PyObject* standard_library = nullptr;
  PyObject* own = nullptr;
  Interpreter made;
  if (PyArg_ParseTuple(args, "OO", &standard_library, &own) == 0 ||
      !path_bytes(standard_library, made.standard_library) || !path_bytes(own, made.own))
    return nullptr;
  interpreter() = std::move(made);
  Py_RETURN_NONE;
}

PyObject* is_installed(PyObject*, PyObject* file) {
  std::string path;
  if (!path_bytes(file, path)) return nullptr;
  return PyBool_FromLong(is_package(path) || is_standard(path) ? 1 : 0);
}

PyObject* is_in_package(PyObject*, PyObject* file) {
  std::string path;
  if (!path_bytes(file, path)) return nullptr;
  return PyBool_FromLong(is_package(path) ? 1 : 0);
}

}  // namespace

Culprit find_culprit() {
  std::string through;
  bool is_within = false;  // something of the standard library
  Object frame(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  Py_XINCREF(frame.get());
  for (; frame; frame = back_of(frame)) {
    auto* const current = reinterpret_cast<PyFrameObject*>(frame.get());
    std::string file = file_of(current);
    if (file.starts_with("<frozen importlib.")) {
      // Whoever imports a module has not done what the module does.
      if (is_within) return {};
      std::string extension = extension_loaded_by(frame.get());
      if (!extension.empty()) return judged(std::move(extension), 0, {});
    } else if (file.starts_with('<')) {
      // Generated code is its caller's.
    } else if (is_standard(file)) {
      through = std::move(file);
      is_within = true;
    } else {
      return judged(std::move(file), PyFrame_GetLineNumber(current), std::move(through));
    }
  }
  return {};
}

Culprit find_customer() {
  Object frame(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  Py_XINCREF(frame.get());
  for (; frame; frame = back_of(frame)) {
    auto* const current = reinterpret_cast<PyFrameObject*>(frame.get());
    std::string file = file_of(current);
    if (file.starts_with("<frozen importlib.") || is_pytest(file)) return {};
    if (file.starts_with('<') || is_standard(file) || is_package(file)) continue;
    return judged(std::move(file), PyFrame_GetLineNumber(current), {});
  }
  return {};
}

PyMethodDef culprit_methods[] = {
    {"set_interpreter", set_interpreter, METH_VARARGS,
     "set_interpreter(standard_library, own): the directories of the standard library and of "
     "hearth, "
     "each with a separator at its end."},
    {"is_installed", is_installed, METH_O,
     "is_installed(file) -> bool: whether it belongs to the interpreter or to an installed "
     "package."},
    {"is_in_package", is_in_package, METH_O,
     "is_in_package(file) -> bool: whether it belongs to an installed package."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
