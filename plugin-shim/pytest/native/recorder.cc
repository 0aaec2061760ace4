// What this process reads, seen through Python's audit events, each file with its signature taken
// before the read.
#include "plugin-shim/pytest/native/recorder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "plugin-shim/pytest/native/python.h"
#include "protocol/signature.h"

namespace hearth::python {
namespace {

using protocol::FileSignature;

class Recorder {
 public:
  bool is_on = false;
  std::string cache_tag;     // "." + sys.implementation.cache_tag
  std::string cache_prefix;  // sys.pycache_prefix, or empty
  std::vector<std::string> excluded;

  void clear() {
    files_.clear();
    index_.clear();
    written_.clear();
    unsettled_.clear();
  }

  [[nodiscard]] const std::vector<FileSignature>& files() const { return files_; }

  // The first signature of a path is the one that counts.
  void read(std::string path) {
    path = absolute(std::move(path));
    std::string source = source_of(path);
    if (source.empty()) return;
    // Python looked at the .pyc, found that it is not the source's, and now reads the source: this
    // is the read that counts.
    const bool settles = !unsettled_.empty() && source == path && unsettled_ == source;
    unsettled_.clear();
    if (settles) {
      files_.back() = protocol::take_signature(source);
      return;
    }
    if (index_.contains(source) || written_.contains(source) || is_excluded(source)) return;
    FileSignature signature = protocol::take_signature(source);
    // A source that has just changed, and a .pyc that is another's: either the source is read next,
    // or it changed after Python had compared the two, and the old .pyc is what is loaded.
    if (source != path && !signature.digest.empty() && !pyc_fits(path, signature)) {
      signature = protocol::signature_that_never_holds(source);
      unsettled_ = source;
    }
    index_.insert(source);
    files_.push_back(std::move(signature));
  }

  void imported(std::string name) {
    if (imported_.insert(name).second) imports_.push_back(std::move(name));
  }
  [[nodiscard]] const std::vector<std::string>& imports() const { return imports_; }

  void wrote(std::string path, bool anew) {
    path = absolute(std::move(path));
    if (anew) begun_.insert(path);
    written_.insert(std::move(path));
  }

  [[nodiscard]] bool began(const std::string& path) const { return begun_.contains(path); }

  // Something that was read before the recorder was on.
  void read_earlier(std::string path, std::int64_t unchanged_since_ns) {
    const std::size_t before = files_.size();
    read(std::move(path));
    if (files_.size() == before) return;
    FileSignature& signature = files_.back();
    if (signature.kind == protocol::FileKind::file && signature.ctime_ns > unchanged_since_ns) {
      signature = protocol::signature_that_never_holds(signature.path);
    }
  }

 private:
  static std::string absolute(std::string path) {
    if (!path.empty() && path[0] == '/') return path;
    std::array<char, 4096> directory{};
    if (getcwd(directory.data(), directory.size()) == nullptr) return path;
    if (path.empty() || path == ".") return directory.data();
    return std::string(directory.data()) + "/" + path;
  }

  [[nodiscard]] bool is_excluded(std::string_view path) const {
    for (const std::string& prefix : excluded) {
      if (path.starts_with(prefix) &&
          (prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/'))
        return true;
    }
    return false;
  }

  // The path itself; the source that a .pyc stands for; empty for what is not recorded.
  [[nodiscard]] std::string source_of(const std::string& path) const {
    const std::size_t slash = path.rfind('/');
    const std::string_view name = std::string_view(path).substr(slash + 1);
    if (name == "__pycache__") return {};
    std::string_view directory = std::string_view(path).substr(0, slash);
    const bool is_cache = directory.ends_with("/__pycache__");
    const bool is_prefixed = !cache_prefix.empty() && directory.starts_with(cache_prefix);
    if (!is_cache && !is_prefixed) return path;
    const std::size_t tag = name.rfind(cache_tag);
    if (tag == std::string_view::npos) return is_cache ? std::string() : path;
    if (is_cache) directory.remove_suffix(std::string_view("/__pycache__").size());
    if (is_prefixed) directory.remove_prefix(cache_prefix.size());
    return std::string(directory) + "/" + std::string(name.substr(0, tag)) + ".py";
  }

  static bool pyc_fits(const std::string& path, const FileSignature& source) {
    std::array<unsigned char, 16> header{};
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return true;  // the source is what will be read
    const ssize_t got = ::read(fd, header.data(), header.size());
    close(fd);
    if (got != static_cast<ssize_t>(header.size())) return true;
    const auto word = [&](std::size_t offset) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{header[offset + i]} << (8 * i);
      return value;
    };
    if (word(4) != 0) return false;  // checked by hash, or not at all
    return word(8) == static_cast<std::uint32_t>(source.mtime_ns / 1'000'000'000) &&
           word(12) == static_cast<std::uint32_t>(source.size);
  }

  std::vector<FileSignature> files_;
  std::unordered_set<std::string> index_;
  std::unordered_set<std::string> written_;
  std::unordered_set<std::string> begun_;  // of all stages: such a file may stay open
  std::vector<std::string> imports_;       // of all stages, in the order of their begin
  std::unordered_set<std::string> imported_;
  std::string
      unsettled_;  // the last file, when its signature waits for the read that follows at once
};

Recorder& recorder() {
  static auto* instance = new Recorder;  // never destroyed: audit events come until the very end
  return *instance;
}

// False: not a path (a descriptor, or something that the call itself will refuse).
bool path_of(PyObject* object, std::string& path) {
  if (object == nullptr || PyLong_Check(object)) return false;
  if (object == Py_None) {
    path = ".";
    return true;
  }
  if (path_bytes(object, path)) return true;
  PyErr_Clear();
  return false;
}

void on_open(PyObject* args) {
  std::string path;
  if (PyTuple_Size(args) < 3 || !path_of(PyTuple_GetItem(args, 0), path)) return;
  const long flags = PyLong_AsLong(PyTuple_GetItem(args, 2));
  if (flags == -1 && PyErr_Occurred() != nullptr) return PyErr_Clear();
  struct stat status {};
  const bool exists = stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) return;  // a directory's descriptor, a device, a pipe
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  const bool content_goes = (flags & O_TRUNC) != 0 || (flags & O_ACCMODE) == O_WRONLY ||
                            (!exists && (flags & O_CREAT) != 0);
  if (writes && content_goes) return recorder().wrote(std::move(path), (flags & O_TRUNC) != 0);
  recorder().read(std::move(path));
}

void on_directory(PyObject* args) {
  std::string path;
  if (PyTuple_Size(args) >= 1 && path_of(PyTuple_GetItem(args, 0), path))
    recorder().read(std::move(path));
}

// The event `import` names a file only where an extension module is loaded.
void on_import(PyObject* args) {
  std::string path;
  if (PyTuple_Size(args) < 2) return;
  std::string name;
  if (path_bytes(PyTuple_GetItem(args, 0), name)) recorder().imported(std::move(name));
  PyObject* file = PyTuple_GetItem(args, 1);
  if (file != nullptr && file != Py_None && path_of(file, path)) recorder().read(std::move(path));
}

void on_library(PyObject* args) {
  std::string path;
  if (PyTuple_Size(args) < 1) return;
  PyObject* file = PyTuple_GetItem(args, 0);
  if (file == nullptr || file == Py_None || !path_of(file, path)) return;
  if (!path.empty() && path.find('/') != std::string::npos) recorder().read(std::move(path));
}

PyObject* child_process_listener = nullptr;  // owned, never given up

void on_child_process(PyObject*) {
  if (child_process_listener == nullptr) return;
  Py_XDECREF(PyObject_CallObject(child_process_listener, nullptr));
}

struct Listener {
  const char* event;
  void (*function)(PyObject* args);
};

constexpr std::array<Listener, 12> listeners{{
    {"open", on_open},
    {"os.listdir", on_directory},
    {"os.scandir", on_directory},
    {"import", on_import},
    {"ctypes.dlopen", on_library},
    {"sqlite3.connect", on_library},
    {"subprocess.Popen", on_child_process},
    {"os.fork", on_child_process},
    {"os.forkpty", on_child_process},
    {"os.posix_spawn", on_child_process},
    {"os.system", on_child_process},
    {"pty.spawn", on_child_process},
}};

// The audit hook. It runs for every event of the process, so it must cost nothing when off, and
// never fail.
PyObject* audit(PyObject*, PyObject* args) {
  if (!recorder().is_on) Py_RETURN_NONE;
  PyObject* event = PyTuple_GetItem(args, 0);
  PyObject* event_args = PyTuple_GetItem(args, 1);
  if (event == nullptr || event_args == nullptr || PyTuple_Check(event_args) == 0) {
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  for (const Listener& listener : listeners) {
    if (PyUnicode_CompareWithASCIIString(event, listener.event) != 0) continue;
    listener.function(event_args);
    PyErr_Clear();
    break;
  }
  Py_RETURN_NONE;
}

PyObject* recorder_set_up(PyObject*, PyObject* args) {
  PyObject* tag = nullptr;
  PyObject* prefix = nullptr;
  PyObject* excluded = nullptr;
  if (PyArg_ParseTuple(args, "OOO", &tag, &prefix, &excluded) == 0) return nullptr;
  Recorder& self = recorder();
  if (!path_bytes(tag, self.cache_tag) || !path_bytes(prefix, self.cache_prefix)) return nullptr;
  self.excluded.clear();
  const Py_ssize_t count = PySequence_Size(excluded);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Object item(PySequence_GetItem(excluded, i));
    std::string path;
    if (!item || !path_bytes(item.get(), path)) return nullptr;
    self.excluded.push_back(std::move(path));
  }
  Py_RETURN_NONE;
}

PyObject* recorder_switch(PyObject*, PyObject* on) {
  const int value = PyObject_IsTrue(on);
  if (value < 0) return nullptr;
  recorder().is_on = value != 0;
  Py_RETURN_NONE;
}

PyObject* recorder_note(PyObject*, PyObject* args) {
  PyObject* path = nullptr;
  long long unchanged_since_ns = 0;
  if (PyArg_ParseTuple(args, "O|L", &path, &unchanged_since_ns) == 0) return nullptr;
  std::string bytes;
  if (!path_bytes(path, bytes)) return nullptr;
  if (unchanged_since_ns != 0) {
    recorder().read_earlier(std::move(bytes), unchanged_since_ns);
  } else {
    recorder().read(std::move(bytes));
  }
  Py_RETURN_NONE;
}

PyObject* recorder_on_child_process(PyObject*, PyObject* listener) {
  Py_XDECREF(child_process_listener);
  Py_INCREF(listener);
  child_process_listener = listener;
  Py_RETURN_NONE;
}

std::string_view name_of(protocol::FileKind kind) {
  switch (kind) {
    case protocol::FileKind::absent:
      return "absent";
    case protocol::FileKind::file:
      return "file";
    case protocol::FileKind::directory:
      return "directory";
    case protocol::FileKind::other:
      break;
  }
  return "other";
}

PyObject* recorder_imports(PyObject*, PyObject*) {
  Object list(PyList_New(0));
  for (const std::string& name : recorder().imports()) {
    const Object entry(PyUnicode_DecodeFSDefaultAndSize(name.data(),
                                                        static_cast<Py_ssize_t>(name.size())));
    if (!list || !entry || PyList_Append(list.get(), entry.get()) != 0) return nullptr;
  }
  return list.release();
}

PyObject* recorder_take(PyObject*, PyObject*) {
  Object list(PyList_New(0));
  for (const FileSignature& file : recorder().files()) {
    const std::string_view kind = name_of(file.kind);
    const Object entry(
        Py_BuildValue("[y#s#KKKKLLy#]", file.path.data(), static_cast<Py_ssize_t>(file.path.size()),
                      kind.data(), static_cast<Py_ssize_t>(kind.size()), file.device, file.inode,
                      file.mode, file.size, file.mtime_ns, file.ctime_ns, file.digest.data(),
                      static_cast<Py_ssize_t>(file.digest.size())));
    if (!list || !entry || PyList_Append(list.get(), entry.get()) != 0) return nullptr;
  }
  recorder().clear();
  return list.release();
}

}  // namespace

bool began_anew(const std::string& path) { return recorder().began(path); }

PyMethodDef recorder_methods[] = {
    {"audit", audit, METH_VARARGS, "audit(event, args): for sys.addaudithook."},
    {"recorder_set_up", recorder_set_up, METH_VARARGS,
     "recorder_set_up(cache_tag, cache_prefix, excluded): '.cpython-311', sys.pycache_prefix or "
     "'', paths not to record."},
    {"recorder_switch", recorder_switch, METH_O, "recorder_switch(on)"},
    {"recorder_note", recorder_note, METH_VARARGS,
     "recorder_note(path, unchanged_since_ns=0): look at it as if it was about to be read; with a "
     "time, as if it had been read then."},
    {"recorder_on_child_process", recorder_on_child_process, METH_O,
     "recorder_on_child_process(listener): call it when a child process is about to be started."},
    {"recorder_imports", recorder_imports, METH_NOARGS,
     "recorder_imports() -> list: names of modules in the order in which their imports began, of "
     "this process and those that it was forked from. Those that importlib.import_module was asked "
     "for are not among them."},
    {"recorder_take", recorder_take, METH_NOARGS,
     "recorder_take() -> list: file signatures in wire form, in the order of their reads; begins a "
     "new record."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
