// Python's door to the recorder, which is a library that was loaded before libc (preload/):
// switches it, takes what it has recorded, and tells it what it cannot see itself. Also the audit
// hook: the dynamic loader asks libc for nothing, and child processes are nobody's look at a file.
#include "plugin-shim/pytest/native/recorder.h"

#include <dlfcn.h>

#include <array>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "plugin-shim/preload/table.h"
#include "plugin-shim/pytest/native/culprit.h"
#include "plugin-shim/pytest/native/findings.h"
#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

using protocol::FileSignature;
using recorder::Table;

// None: this process was started without the library (a program that cannot have one, or a script
// that starts the interpreter in its turn).
const Table* find_table() {
  const auto* found = static_cast<const Table*>(dlsym(RTLD_DEFAULT, recorder::table_name));
  return found != nullptr && found->size == sizeof(Table) ? found : nullptr;
}

const Table* table() {
  static const Table* const found = find_table();
  return found;
}

bool is_on = false;

// Names of modules, of all stages, in the order in which their imports began.
struct Imports {
  std::vector<std::string> names;
  std::unordered_set<std::string> known;

  void add(std::string name) {
    if (known.insert(name).second) names.push_back(std::move(name));
  }
};

Imports& imports() {
  static auto* instance = new Imports;  // never destroyed: audit events come until the very end
  return *instance;
}

// False: not a path (a descriptor, or something that the call itself will refuse).
bool path_of(PyObject* object, std::string& path) {
  if (object == nullptr || object == Py_None || PyLong_Check(object)) return false;
  if (path_bytes(object, path)) return true;
  PyErr_Clear();
  return false;
}

// The event `import` names a file only where an extension module is loaded.
void on_import(PyObject* args) {
  std::string path;
  if (PyTuple_Size(args) < 2) return;
  std::string name;
  if (path_bytes(PyTuple_GetItem(args, 0), name)) imports().add(std::move(name));
  PyObject* file = PyTuple_GetItem(args, 1);
  if (file != nullptr && path_of(file, path)) table()->read(path);
}

void on_library(PyObject* args) {
  std::string path;
  if (PyTuple_Size(args) < 1 || !path_of(PyTuple_GetItem(args, 0), path)) return;
  // Without a directory it is looked for in the system's, of which this file is the index.
  table()->read(path.find('/') != std::string::npos ? path : "/etc/ld.so.cache");
}

PyObject* child_process_listener = nullptr;  // owned, never given up

void on_child_process(PyObject*) {
  if (child_process_listener == nullptr) return;
  if (find_culprit().whose != Culprit::Whose::project) return;
  Py_XDECREF(PyObject_CallObject(child_process_listener, nullptr));
}

PyObject* input_listener = nullptr;  // owned, never given up

void on_input(PyObject*) {
  if (input_listener != nullptr) Py_XDECREF(PyObject_CallObject(input_listener, nullptr));
}

struct Listener {
  const char* event;
  void (*function)(PyObject* args);
};

constexpr std::array<Listener, 9> listeners{{
    {"import", on_import},
    {"ctypes.dlopen", on_library},
    {"subprocess.Popen", on_child_process},
    {"os.fork", on_child_process},
    {"os.forkpty", on_child_process},
    {"os.posix_spawn", on_child_process},
    {"os.system", on_child_process},
    {"pty.spawn", on_child_process},
    {"builtins.input", on_input},
}};

// The audit hook. It runs for every event of the process, so it must cost nothing when off, and
// never fail.
PyObject* audit(PyObject*, PyObject* args) {
  if (!is_on) Py_RETURN_NONE;
  PyObject* event = PyTuple_GetItem(args, 0);
  PyObject* event_args = PyTuple_GetItem(args, 1);
  if (event == nullptr || event_args == nullptr || PyTuple_Check(event_args) == 0) {
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  note_event(event, event_args);
  for (const Listener& listener : listeners) {
    if (PyUnicode_CompareWithASCIIString(event, listener.event) != 0) continue;
    listener.function(event_args);
    PyErr_Clear();
    break;
  }
  Py_RETURN_NONE;
}

PyObject* recorder_available(PyObject*, PyObject*) { return PyBool_FromLong(table() != nullptr); }

PyObject* recorder_begin(PyObject*, PyObject* args) {
  int goes_on = 0;
  if (PyArg_ParseTuple(args, "p", &goes_on) == 0) return nullptr;
  if (table() == nullptr) Py_RETURN_NONE;
  if (goes_on == 0) table()->begin_stage();
  table()->switch_on(true);
  is_on = true;
  note_identities();
  Py_RETURN_NONE;
}

PyObject* recorder_begin_run(PyObject*, PyObject*) {
  if (table() == nullptr) Py_RETURN_NONE;
  table()->begin_stage();
  table()->switch_on(true);
  Py_RETURN_NONE;
}

PyObject* recorder_stop(PyObject*, PyObject*) {
  if (table() == nullptr) Py_RETURN_NONE;
  table()->switch_on(false);
  is_on = false;
  Py_RETURN_NONE;
}

PyObject* recorder_ignore(PyObject*, PyObject* path) {
  std::string bytes;
  if (!path_bytes(path, bytes)) return nullptr;
  if (table() != nullptr) table()->ignore(bytes);
  Py_RETURN_NONE;
}

PyObject* recorder_set_cache_prefix(PyObject*, PyObject* path) {
  std::string bytes;
  if (!path_bytes(path, bytes)) return nullptr;
  if (table() != nullptr) table()->set_cache_prefix(bytes);
  Py_RETURN_NONE;
}

PyObject* recorder_on_input(PyObject*, PyObject* listener) {
  Py_XDECREF(input_listener);
  Py_INCREF(listener);
  input_listener = listener;
  Py_RETURN_NONE;
}

PyObject* recorder_on_child_process(PyObject*, PyObject* listener) {
  Py_XDECREF(child_process_listener);
  Py_INCREF(listener);
  child_process_listener = listener;
  Py_RETURN_NONE;
}

// Its frame is not seen in tracebacks, and errors are the function's.
PyObject* call_for_kind(PyObject*, PyObject* args) {
  const Py_ssize_t count = PyTuple_Size(args);
  long position = 0;
  PyObject* function = count < 2 ? nullptr : PyTuple_GetItem(args, 0);  // borrowed
  const Object own(PyTuple_GetSlice(args, 2, count));
  if (function != nullptr) position = PyLong_AsLong(PyTuple_GetItem(args, 1));
  if (!own || PyErr_Occurred() != nullptr) return nullptr;
  std::string path;
  const bool is_asked = is_on && position >= 0 && position < PyTuple_Size(own.get()) &&
                        path_of(PyTuple_GetItem(own.get(), position), path);
  std::string before;
  if (is_asked) before = table()->only_kind_of(path, false);
  PyObject* result = PyObject_CallObject(function, own.get());
  if (is_asked) table()->only_kind_of(before, false);
  return result;
}

PyObject* expect_kind(PyObject*, PyObject* entry) {
  const Object path_object(PyObject_GetAttrString(entry, "path"));
  if (!path_object) return nullptr;
  if (std::string path; is_on && path_of(path_object.get(), path))
    table()->only_kind_of(path, true);
  Py_INCREF(entry);
  return entry;
}

const char* name_of(protocol::FileKind kind) {
  switch (kind) {
    case protocol::FileKind::absent:
      return "absent";
    case protocol::FileKind::file:
      return "file";
    case protocol::FileKind::directory:
      return "directory";
    case protocol::FileKind::link:
      return "link";
    case protocol::FileKind::other:
      break;
  }
  return "other";
}

const char* name_of(protocol::Look look) {
  switch (look) {
    case protocol::Look::content:
      return "content";
    case protocol::Look::status:
      return "status";
    case protocol::Look::link:
      return "link";
    case protocol::Look::kind:
      return "kind";
    case protocol::Look::written:
      break;
  }
  return "written";
}

PyObject* recorder_imports(PyObject*, PyObject*) {
  Object list(PyList_New(0));
  for (const std::string& name : imports().names) {
    const Object entry(
        PyUnicode_DecodeFSDefaultAndSize(name.data(), static_cast<Py_ssize_t>(name.size())));
    if (!list || !entry || PyList_Append(list.get(), entry.get()) != 0) return nullptr;
  }
  return list.release();
}

PyObject* recorder_take(PyObject*, PyObject*) {
  Object list(PyList_New(0));
  if (!list || table() == nullptr) return list.release();
  for (const FileSignature& file : table()->end_stage()) {
    const Object entry(
        Py_BuildValue("[y#sKKKKLLy#s]", file.path.data(), static_cast<Py_ssize_t>(file.path.size()),
                      name_of(file.kind), file.device, file.inode, file.mode, file.size,
                      file.mtime_ns, file.ctime_ns, file.digest.data(),
                      static_cast<Py_ssize_t>(file.digest.size()), name_of(file.look)));
    if (!entry || PyList_Append(list.get(), entry.get()) != 0) return nullptr;
  }
  return list.release();
}

PyObject* list_of(const std::vector<std::string>& names) {
  Object list(PyList_New(0));
  for (const std::string& name : names) {
    const Object item(PyBytes_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size())));
    if (!list || !item || PyList_Append(list.get(), item.get()) != 0) return nullptr;
  }
  return list.release();
}

PyObject* take_native_environment_reads(PyObject*, PyObject*) {
  return list_of(table() == nullptr ? std::vector<std::string>{} : table()->take_variables_read());
}

PyObject* take_native_environment_writes(PyObject*, PyObject*) {
  return list_of(table() == nullptr ? std::vector<std::string>{}
                                    : table()->take_variables_written());
}

}  // namespace

bool is_recording() { return is_on; }

void listen_to_identities(recorder::IdentityListener tell) {
  if (table() != nullptr) table()->listen_to_identities(tell);
}

bool began_anew(const std::string& path) { return table() != nullptr && table()->began(path); }

PyMethodDef recorder_methods[] = {
    {"audit", audit, METH_VARARGS, "audit(event, args): for sys.addaudithook."},
    {"recorder_available", recorder_available, METH_NOARGS,
     "recorder_available() -> bool: whether this process has the library that sees what is read."},
    {"recorder_begin", recorder_begin, METH_VARARGS,
     "recorder_begin(goes_on): record, on the way to another stage; or go on with what is recorded "
     "since the process began."},
    {"recorder_begin_run", recorder_begin_run, METH_NOARGS,
     "recorder_begin_run(): record what a run looks at, and judge nothing that it does."},
    {"recorder_stop", recorder_stop, METH_NOARGS, "recorder_stop(): record nothing more."},
    {"recorder_ignore", recorder_ignore, METH_O,
     "recorder_ignore(path): leave it and what is below it out, from here on."},
    {"recorder_set_cache_prefix", recorder_set_cache_prefix, METH_O,
     "recorder_set_cache_prefix(path): sys.pycache_prefix."},
    {"recorder_on_child_process", recorder_on_child_process, METH_O,
     "recorder_on_child_process(listener): call it when project code is about to start a child "
     "process."},
    {"recorder_on_input", recorder_on_input, METH_O,
     "recorder_on_input(listener): call it when somebody is about to be asked (`input`)."},
    {"call_for_kind", call_for_kind, METH_VARARGS,
     "call_for_kind(function, position, *args): its result; what it finds out about the path at "
     "that "
     "position of its arguments is whether it is a file, a directory or not there."},
    {"expect_kind", expect_kind, METH_O,
     "expect_kind(entry): the directory entry; the next look at its path only asks what kind of "
     "file "
     "it is."},
    {"recorder_imports", recorder_imports, METH_NOARGS,
     "recorder_imports() -> list: names of modules in the order in which their imports began, of "
     "this process and those that it was forked from. Those that importlib.import_module was asked "
     "for are not among them."},
    {"recorder_take", recorder_take, METH_NOARGS,
     "recorder_take() -> list: file signatures of this stage in wire form, in the order of the "
     "looks; while nothing is recorded."},
    {"take_native_environment_reads", take_native_environment_reads, METH_NOARGS,
     "take_native_environment_reads() -> list[bytes]: names that native code has asked for "
     "(CPython "
     "itself too); begins a new list."},
    {"take_native_environment_writes", take_native_environment_writes, METH_NOARGS,
     "take_native_environment_writes() -> list[bytes]: names that native code has set or unset "
     "(os.environ and os.putenv do it so too), empty for all of them; begins a new list."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
