// Bytes and descriptors over a Unix stream socket, and waiting for several of them. Python's socket
// module is not imported for this: the process would differ from a plain run.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

constexpr std::size_t max_descriptors = 8;

// Waits for one event. False with a Python error set (a signal handler raised).
bool wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  for (;;) {
    int result = 0;
    Py_BEGIN_ALLOW_THREADS;
    result = poll(&entry, 1, -1);
    Py_END_ALLOW_THREADS;
    if (result >= 0) return true;
    if (errno != EINTR) return os_error() != nullptr;
    if (PyErr_CheckSignals() != 0) return false;
  }
}

bool descriptors_from(PyObject* sequence, std::vector<int>& result) {
  const Py_ssize_t count = PySequence_Size(sequence);
  if (count < 0) return false;
  if (static_cast<std::size_t>(count) > max_descriptors) {
    PyErr_SetString(PyExc_ValueError, "too many descriptors for one frame");
    return false;
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Object item(PySequence_GetItem(sequence, i));
    if (!item) return false;
    const long fd = PyLong_AsLong(item.get());
    if (fd == -1 && PyErr_Occurred() != nullptr) return false;
    result.push_back(static_cast<int>(fd));
  }
  return true;
}

PyObject* send_all(PyObject*, PyObject* args) {
  int fd = -1;
  const char* data = nullptr;
  Py_ssize_t size = 0;
  PyObject* sequence = nullptr;
  if (PyArg_ParseTuple(args, "iy#O", &fd, &data, &size, &sequence) == 0) return nullptr;
  std::vector<int> descriptors;
  if (!descriptors_from(sequence, descriptors)) return nullptr;

  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_descriptors)> control{};
  while (size > 0) {
    iovec piece{const_cast<char*>(data), static_cast<std::size_t>(size)};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
      const std::size_t bytes = sizeof(int) * descriptors.size();
      header.msg_control = control.data();
      header.msg_controllen = CMSG_SPACE(bytes);
      cmsghdr* message = CMSG_FIRSTHDR(&header);
      message->cmsg_level = SOL_SOCKET;
      message->cmsg_type = SCM_RIGHTS;
      message->cmsg_len = CMSG_LEN(bytes);
      std::memcpy(CMSG_DATA(message), descriptors.data(), bytes);
    }
    ssize_t sent = 0;
    Py_BEGIN_ALLOW_THREADS;
    sent = sendmsg(fd, &header, MSG_NOSIGNAL);
    Py_END_ALLOW_THREADS;
    if (sent >= 0) {
      data += sent;
      size -= sent;
      descriptors.clear();
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(fd, POLLOUT)) return nullptr;
    } else if (errno != EINTR) {
      return os_error();
    } else if (PyErr_CheckSignals() != 0) {
      return nullptr;
    }
  }
  Py_RETURN_NONE;
}

PyObject* send_some(PyObject*, PyObject* args) {
  int fd = -1;
  const char* data = nullptr;
  Py_ssize_t size = 0;
  Py_ssize_t begin = 0;
  if (PyArg_ParseTuple(args, "iy#|n", &fd, &data, &size, &begin) == 0) return nullptr;
  if (begin < 0 || begin > size) {
    PyErr_SetString(PyExc_ValueError, "begin lies outside the data");
    return nullptr;
  }
  ssize_t sent = 0;
  do {
    sent =
        send(fd, data + begin, static_cast<std::size_t>(size - begin), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return os_error();
  return PyLong_FromSsize_t(sent < 0 ? 0 : sent);
}

PyObject* receive(PyObject*, PyObject* args) {
  int fd = -1;
  if (PyArg_ParseTuple(args, "i", &fd) == 0) return nullptr;
  static std::array<char, 65536> buffer;  // used with the GIL held only
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_descriptors)> control{};
  iovec piece{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) Py_RETURN_NONE;
    return os_error();
  }
  const Object list(PyList_New(0));
  if (!list) return nullptr;
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(&header, message)) {
    if (message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (message->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(message) + i * sizeof(int), sizeof(int));
      const Object number(PyLong_FromLong(descriptor));
      if (!number || PyList_Append(list.get(), number.get()) != 0) return nullptr;
    }
  }
  return Py_BuildValue("y#O", buffer.data(), static_cast<Py_ssize_t>(got), list.get());
}

PyObject* poll_readable(PyObject*, PyObject* args) {
  PyObject* sequence = nullptr;
  int timeout_ms = -1;
  if (PyArg_ParseTuple(args, "Oi", &sequence, &timeout_ms) == 0) return nullptr;
  const Py_ssize_t count = PySequence_Size(sequence);
  if (count < 0) return nullptr;
  std::vector<pollfd> entries;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Object item(PySequence_GetItem(sequence, i));
    if (!item) return nullptr;
    const long fd = PyLong_AsLong(item.get());
    if (fd == -1 && PyErr_Occurred() != nullptr) return nullptr;
    entries.push_back({static_cast<int>(fd), POLLIN, 0});
  }
  int result = 0;
  Py_BEGIN_ALLOW_THREADS;
  result = poll(entries.data(), entries.size(), timeout_ms);
  Py_END_ALLOW_THREADS;
  if (result < 0) {
    if (errno != EINTR) return os_error();
    if (PyErr_CheckSignals() != 0) return nullptr;
  }
  Object ready(PyList_New(0));
  for (const pollfd& entry : entries) {
    if (result <= 0 || entry.revents == 0) continue;
    const Object number(PyLong_FromLong(entry.fd));
    if (!ready || !number || PyList_Append(ready.get(), number.get()) != 0) return nullptr;
  }
  return ready.release();
}

PyObject* wait_writable(PyObject*, PyObject* args) {
  int fd = -1;
  if (PyArg_ParseTuple(args, "i", &fd) == 0 || !wait_for(fd, POLLOUT)) return nullptr;
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef sockets_methods[] = {
    {"send_all", send_all, METH_VARARGS,
     "send_all(fd, data, descriptors): all of it, the descriptors on the first byte."},
    {"send_some", send_some, METH_VARARGS,
     "send_some(fd, data, begin=0) -> int: as many bytes, from there on, as there is room for "
     "now."},
    {"receive", receive, METH_VARARGS,
     "receive(fd) -> (data, descriptors) | None: what is there now; None: nothing; empty data: end "
     "of file."},
    {"poll", poll_readable, METH_VARARGS,
     "poll(fds, timeout_ms) -> list: those that can be read; empty after the time or a signal."},
    {"wait_writable", wait_writable, METH_VARARGS, "wait_writable(fd): until there is room."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
