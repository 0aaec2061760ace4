#include "plugin-shim/pytest/native/findings.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "plugin-shim/pytest/native/culprit.h"
#include "plugin-shim/pytest/native/recorder.h"

namespace hearth::python {
namespace {

using recorder::Identity;
using Whose = Culprit::Whose;

constexpr std::size_t most_findings = 100;

struct Finding {
  std::string kind;
  std::string what;
  Culprit by;
};

std::vector<Finding>& findings() {
  static auto* instance = new std::vector<Finding>;  // never destroyed: as imports()
  return *instance;
}

// Identities that threads other than the main one have taken: they cannot be asked for their
// frames, since the GIL may be another's for as long as a lock that they hold.
std::atomic<bool> taken_by_thread{false};

struct Event {
  std::string_view name;
  const char* kind;
};

constexpr std::array<Event, 17> events{{
    {"subprocess.Popen", "subprocess"},
    {"os.fork", "subprocess"},
    {"os.forkpty", "subprocess"},
    {"os.posix_spawn", "subprocess"},
    {"os.system", "subprocess"},
    {"pty.spawn", "subprocess"},
    {"tempfile.mkstemp", "temporary"},
    {"tempfile.mkdtemp", "temporary"},
    {"socket.connect", "socket"},
    {"socket.bind", "socket"},
    {"socket.__new__", "open"},
    {"sqlite3.connect", "open"},
    {"os.remove", "removal"},
    {"os.rmdir", "removal"},
    {"os.rename", "removal"},
    {"shutil.rmtree", "removal"},
    {"builtins.input", "input"},
}};

// Parts of the standard library that ask for the process id without giving it away, or for random
// bytes that nobody compares.
constexpr std::array<std::string_view, 3> discreet{"/logging/", "/asyncio/", "/ssl.py"};

bool is_discreet(std::string_view file) {
  return std::any_of(discreet.begin(), discreet.end(), [&](std::string_view part) {
    return file.find(part) != std::string_view::npos;
  });
}

void note(std::string_view kind, std::string what, Culprit by) {
  const auto is_same = [&](const Finding& each) {
    return std::tie(each.kind, each.by.file, each.by.line) == std::tie(kind, by.file, by.line);
  };
  auto& all = findings();
  if (all.size() >= most_findings || std::any_of(all.begin(), all.end(), is_same)) return;
  all.push_back({std::string(kind), std::move(what), std::move(by)});
}

std::string first_text(PyObject* args) {
  std::string text;
  PyObject* first = PyTuple_Size(args) > 0 ? PyTuple_GetItem(args, 0) : nullptr;  // borrowed
  if (first == nullptr || PyLong_Check(first) != 0 || !path_bytes(first, text)) PyErr_Clear();
  return text;
}

const void* object_of(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

// A library that asks for the process id of its own accord (SQLite, OpenSSL, ZeroMQ) wants to
// notice forks; it tells nobody. The interpreter and what carries ctypes' calls ask for somebody.
bool is_asked_for_somebody(const void* caller) {
  Dl_info info{};
  if (dladdr(caller, &info) == 0) return true;
  if (info.dli_fbase == object_of(reinterpret_cast<const void*>(&Py_GetVersion))) return true;
  return std::string_view(info.dli_fname).find("ffi") != std::string_view::npos;
}

const char* name_of(Identity identity) {
  switch (identity) {
    case Identity::process_id:
      return "process id";
    case Identity::random_bytes:
      return "random bytes";
    case Identity::thread:
      return "a thread started";
    case Identity::uuid:
    case Identity::clock:  // not told in an interpreter
      break;
  }
  return "uuid";
}

// Called in any thread, with or without the GIL (os.urandom gives it away).
void on_identity(Identity identity, const void* caller) {
  if (!is_recording() || Py_IsInitialized() == 0 || PyGILState_GetThisThreadState() == nullptr)
    return;
  if (identity == Identity::process_id && !is_asked_for_somebody(caller)) return;
  if (syscall(SYS_gettid) != syscall(SYS_getpid)) {
    if (identity != Identity::thread) taken_by_thread = true;
    return;
  }
  const PyGILState_STATE state = PyGILState_Ensure();
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  Culprit by = find_culprit();
  if (identity == Identity::thread) {
    note("thread", name_of(identity), std::move(by));
  } else if (by.whose == Whose::project && !is_discreet(by.through)) {
    // A temporary name is made of both.
    const bool is_name = by.through.ends_with("/tempfile.py");
    note(is_name ? "temporary" : "identity", name_of(identity), std::move(by));
  } else if (by.whose == Whose::installed && by.through.ends_with("/random.py")) {
    note("identity", "a seed", std::move(by));  // of a generator of its own
  } else if (by.whose == Whose::installed && identity == Identity::process_id &&
             !is_discreet(by.through)) {
    // Part of what the project has made: a lock or a connection that is of no use in another
    // process.
    Culprit customer = find_customer();
    if (customer.whose == Whose::project)
      note("identity", name_of(identity) + (" taken by " + by.file), std::move(customer));
  }
  PyErr_Restore(type, value, traceback);
  PyGILState_Release(state);
}

const char* name_of(Whose whose) {
  switch (whose) {
    case Whose::installed:
      return "installed";
    case Whose::project:
      return "project";
    case Whose::nobody:
      break;
  }
  return "nobody";
}

PyObject* take_findings(PyObject*, PyObject*) {
  if (taken_by_thread.exchange(false))
    note("identity", "process id or random bytes, in a thread", {Whose::project, {}, 0, {}});
  Object list(PyList_New(0));
  for (const Finding& each : std::exchange(findings(), {})) {
    const Object entry(Py_BuildValue(
        "(ssy#ls)", each.kind.c_str(), each.what.c_str(), each.by.file.data(),
        static_cast<Py_ssize_t>(each.by.file.size()), each.by.line, name_of(each.by.whose)));
    if (!list || !entry || PyList_Append(list.get(), entry.get()) != 0) return nullptr;
  }
  return list.release();
}

}  // namespace

void note_event(PyObject* event, PyObject* args) {
  for (const Event& each : events) {
    if (PyUnicode_CompareWithASCIIString(event, each.name.data()) != 0) continue;
    std::string what(each.name);
    const std::string text = first_text(args);
    if (text.find("/__pycache__/") != std::string::npos) return;  // Python's own doing
    if (!text.empty()) what += ": " + text;
    note(each.kind, std::move(what), find_culprit());
    return;
  }
}

void note_identities() { python::listen_to_identities(on_identity); }

PyMethodDef findings_methods[] = {
    {"take_findings", take_findings, METH_NOARGS,
     "take_findings() -> list of (kind, what, file, line, whose: 'project', 'installed' or "
     "'nobody'): child processes, sockets that were connected or bound, questions to the user, "
     "temporary names, things opened that are "
     "no file (kind 'open'), threads started (kind 'thread'), and identities that project code has "
     "taken. Begins a new list."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
