// _client: a Python process's conversation with the daemon, by hearth_client. Private to the
// package. Unlike _native it brings libzmq, with threads of its own: it is loaded only into the
// user's own pytest, never into a process that hearth forks.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cmath>
#include <new>
#include <optional>
#include <string>

#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/client/process_context.h"

namespace hearth::python {
namespace {

using client::Clock;

// Signal handlers run in Python between two slices: one that arrives just before a wait begins does
// not interrupt it.
constexpr std::chrono::milliseconds kSlice{200};

struct ConnectionObject {
  PyObject base;
  std::optional<client::Connection>* connection;
  std::string* ticket;
};

ConnectionObject* as_connection(PyObject* self) {
  return reinterpret_cast<ConnectionObject*>(self);
}

PyObject* raise(const client::Failure& failure) {
  PyObject* message = PyUnicode_DecodeFSDefault(failure.message.c_str());
  if (message != nullptr) PyErr_SetObject(PyExc_ConnectionError, message);
  Py_XDECREF(message);
  return nullptr;
}

client::Connection* open_connection(PyObject* self) {
  ConnectionObject* object = as_connection(self);
  if (object->connection != nullptr && object->connection->has_value())
    return &**object->connection;
  PyErr_SetString(PyExc_ConnectionError, "the connection to the daemon is closed");
  return nullptr;
}

// Everything of the start that may wait.
tl::expected<client::Conversation, client::Failure> start(const std::string& beside,
                                                          std::string& ticket) {
  const client::OpenStreams streams = client::open_streams();
  auto conversation = client::open_or_start(beside);
  if (!conversation) return conversation;
  auto sent = conversation->connection.send_streams(streams);
  if (!sent) return tl::unexpected(sent.error());
  ticket = std::move(*sent);
  return conversation;
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* names[] = {"daemon_directory", nullptr};
  PyObject* directory = nullptr;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O&", const_cast<char**>(names),
                                  PyUnicode_FSConverter, &directory) == 0) {
    return -1;
  }
  const std::string beside = PyBytes_AsString(directory);
  Py_DECREF(directory);
  std::string ticket;
  std::optional<tl::expected<client::Conversation, client::Failure>> conversation;
  Py_BEGIN_ALLOW_THREADS;
  conversation.emplace(start(beside, ticket));
  Py_END_ALLOW_THREADS;
  if (!*conversation) {
    raise(conversation->error());
    return -1;
  }
  ConnectionObject* object = as_connection(self);
  delete object->connection;
  delete object->ticket;
  object->connection =
      new std::optional<client::Connection>(std::move((*conversation)->connection));
  object->ticket = new std::string(std::move(ticket));
  return 0;
}

void close_connection(ConnectionObject* object) {
  if (object->connection == nullptr) return;
  Py_BEGIN_ALLOW_THREADS;
  object->connection->reset();
  Py_END_ALLOW_THREADS;
}

void destroy(PyObject* self) {
  ConnectionObject* object = as_connection(self);
  close_connection(object);
  delete object->connection;
  delete object->ticket;
  PyTypeObject* type = Py_TYPE(self);
  auto* release = reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free));
  release(self);
  Py_DECREF(type);
}

PyObject* send(PyObject* self, PyObject* payload) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(payload, &data, &size) != 0) return nullptr;
  client::Connection* connection = open_connection(self);
  if (connection == nullptr) return nullptr;
  connection->send_bytes({data, static_cast<std::size_t>(size)});
  Py_RETURN_NONE;
}

// False with a Python error set.
bool deadline_of(PyObject* seconds, std::optional<Clock::time_point>& deadline) {
  if (seconds == Py_None) return true;
  const double value = PyFloat_AsDouble(seconds);
  if (PyErr_Occurred() != nullptr) return false;
  if (std::isnan(value)) {
    PyErr_SetString(PyExc_ValueError, "the timeout is not a number");
    return false;
  }
  constexpr double kLongest = 1e9;
  const std::chrono::duration<double> wait(std::fmin(std::fmax(value, 0.0), kLongest));
  deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
  return true;
}

PyObject* receive(PyObject* self, PyObject* seconds) {
  std::optional<Clock::time_point> deadline;
  if (!deadline_of(seconds, deadline)) return nullptr;
  std::string payload;
  for (;;) {
    client::Connection* connection = open_connection(self);
    if (connection == nullptr) return nullptr;
    const Clock::time_point now = Clock::now();
    const bool last = deadline && *deadline <= now + kSlice;
    const Clock::time_point until = last ? *deadline : now + kSlice;
    tl::expected<client::Wake, client::Failure> wake = client::Wake::timeout;
    Py_BEGIN_ALLOW_THREADS;
    wake = connection->receive_bytes(payload, until);
    Py_END_ALLOW_THREADS;
    if (!wake) return raise(wake.error());
    if (*wake == client::Wake::message) {
      return PyBytes_FromStringAndSize(payload.data(), static_cast<Py_ssize_t>(payload.size()));
    }
    if (PyErr_CheckSignals() != 0) return nullptr;
    if (*wake == client::Wake::timeout && last) Py_RETURN_NONE;
  }
}

PyObject* difference(PyObject* self, PyObject* /*nothing*/) {
  const client::Connection* connection = open_connection(self);
  if (connection == nullptr) return nullptr;
  const auto daemon = static_cast<pid_t>(connection->daemon_pid());
  return PyUnicode_DecodeFSDefault(client::difference_from(daemon).c_str());
}

PyObject* close(PyObject* self, PyObject* /*nothing*/) {
  close_connection(as_connection(self));
  Py_RETURN_NONE;
}

PyObject* get_ticket(PyObject* self, void* /*closure*/) {
  const ConnectionObject* object = as_connection(self);
  if (object->ticket == nullptr) return PyBytes_FromStringAndSize("", 0);
  return PyBytes_FromStringAndSize(object->ticket->data(),
                                   static_cast<Py_ssize_t>(object->ticket->size()));
}

PyMethodDef methods[] = {
    {"send", send, METH_O,
     "send(payload: bytes) -> None\n\nQueues one encoded message; does not wait."},
    {"receive", receive, METH_O,
     "receive(timeout: float | None) -> bytes | None\n\nThe next encoded message; None when the "
     "seconds have passed. "
     "Raises ConnectionError when the daemon has gone, and what a signal handler raises."},
    {"difference", difference, METH_NOARGS,
     "difference() -> str\n\nWhat the daemon's processes could not take over from this one; empty: "
     "nothing."},
    {"close", close, METH_NOARGS,
     "close() -> None\n\nEnds the conversation; what the daemon still does for it is cancelled."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"ticket", get_ticket, nullptr, "Names the standard streams that were handed to the daemon.",
     nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

const char* const kDoc =
    "Connection(daemon_directory: str | bytes | PathLike)\n\nFinds or starts the daemon (its "
    "executable is looked for in "
    "that directory first), agrees on the protocol and hands over the standard streams. Raises "
    "ConnectionError with one "
    "line for the user. Not for several threads at once.";

PyType_Slot type_slots[] = {
    {Py_tp_doc, const_cast<char*>(kDoc)},
    {Py_tp_new, reinterpret_cast<void*>(PyType_GenericNew)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec type_spec = {"_client.Connection", sizeof(ConnectionObject), 0, Py_TPFLAGS_DEFAULT,
                         type_slots};

// In wire form.
PyObject* process_context(PyObject* /*module*/, PyObject* /*nothing*/) {
  const auto context = client::current_process_context();
  PyObject* processors = PyList_New(0);
  PyObject* limits = PyList_New(0);
  bool complete = processors != nullptr && limits != nullptr;
  const auto append = [&](PyObject* list, PyObject* item) {
    complete = complete && item != nullptr && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
  };
  for (const auto number : context.processors) {
    if (complete) append(processors, PyLong_FromUnsignedLongLong(number));
  }
  for (const auto& limit : context.limits) {
    if (complete) append(limits, Py_BuildValue("[KKK]", limit.resource, limit.soft, limit.hard));
  }
  PyObject* result = nullptr;
  if (complete) {
    result = Py_BuildValue("[LKOOKK]", static_cast<long long>(context.nice), context.io_priority,
                           processors, limits, context.ignored_signals, context.blocked_signals);
  }
  Py_XDECREF(processors);
  Py_XDECREF(limits);
  return result;
}

PyMethodDef functions[] = {
    {"process_context", process_context, METH_NOARGS,
     "process_context() -> list\n\nThis process's, in wire form (see the schema)."},
    {nullptr, nullptr, 0, nullptr},
};

int add_type(PyObject* module) {
  PyObject* type = PyType_FromSpec(&type_spec);
  if (type == nullptr) return -1;
  if (PyModule_AddObject(module, "Connection", type) != 0) {
    Py_DECREF(type);
    return -1;
  }
  return 0;
}

PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(add_type)},
    {0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_client",
    "A conversation with the daemon; private.",
    0,
    functions,
    module_slots,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace
}  // namespace hearth::python

// The name is Python's choice. NOLINTNEXTLINE(bugprone-reserved-identifier)
PyMODINIT_FUNC PyInit__client() { return PyModuleDef_Init(&hearth::python::definition); }
