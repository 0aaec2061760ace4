#include "plugin-shim/pytest/native/culprit.h"

#include <string_view>
#include <vector>

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

// Directories, each with a separator at its end. Of those of the standard library, one may lie in
// it that packages are installed to.
struct Installation {
  std::vector<std::string> standard;
  std::vector<std::string> packages;
  std::string own;  // hearth's
};

Installation& installation() {
  static auto* instance = new Installation;  // never destroyed: calls come until the very end
  return *instance;
}

bool lies_in(std::string_view file, const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) {
    if (file.starts_with(directory)) return true;
  }
  return false;
}

bool is_package(std::string_view file) { return lies_in(file, installation().packages); }

bool is_standard(std::string_view file) {
  return lies_in(file, installation().standard) && !is_package(file);
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
  if (file.empty() || is_standard(file) || file.starts_with(installation().own)) return {};
  const auto whose = is_package(file) ? Culprit::Whose::installed : Culprit::Whose::project;
  return {whose, std::move(file), line, std::move(through)};
}

bool directories_from(PyObject* sequence, std::vector<std::string>& directories) {
  const Py_ssize_t count = PySequence_Size(sequence);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Object item(PySequence_GetItem(sequence, i));
    std::string path;
    if (!item || !path_bytes(item.get(), path)) return false;
    directories.push_back(std::move(path));
  }
  return count >= 0;
}

PyObject* set_installation(PyObject*, PyObject* args) {
  PyObject* standard = nullptr;
  PyObject* packages = nullptr;
  PyObject* own = nullptr;
  if (PyArg_ParseTuple(args, "OOO", &standard, &packages, &own) == 0) return nullptr;
  Installation made;
  if (!directories_from(standard, made.standard) || !directories_from(packages, made.packages) ||
      !path_bytes(own, made.own))
    return nullptr;
  installation() = std::move(made);
  Py_RETURN_NONE;
}

PyObject* is_installed(PyObject*, PyObject* file) {
  std::string path;
  if (!path_bytes(file, path)) return nullptr;
  return PyBool_FromLong(is_package(path) || is_standard(path) ? 1 : 0);
}

PyObject* is_projects_doing(PyObject*, PyObject*) {
  return PyBool_FromLong(find_culprit().whose == Culprit::Whose::project ? 1 : 0);
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

PyMethodDef culprit_methods[] = {
    {"set_installation", set_installation, METH_VARARGS,
     "set_installation(standard, packages, own): the directories of the standard library, of "
     "installed "
     "packages and of hearth, each with a separator at its end."},
    {"is_installed", is_installed, METH_O,
     "is_installed(file) -> bool: whether it belongs to the interpreter or to an installed "
     "package."},
    {"is_projects_doing", is_projects_doing, METH_NOARGS,
     "is_projects_doing() -> bool: whether the innermost code outside the standard library is the "
     "project's own. To be asked in an audit event: hearth's own frames count as nobody's."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
