// The limited API of CPython 3.9 (one binary for 3.9 and later), and an owner for its references.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string>
#include <utility>

namespace hearth::python {

// Owns one reference, or none. Move-only; used with the GIL held.
class Object {
 public:
  Object() = default;
  explicit Object(PyObject* owned) : pointer_(owned) {}
  Object(Object&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
  Object& operator=(Object&& other) noexcept {
    std::swap(pointer_, other.pointer_);
    return *this;
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() { Py_XDECREF(pointer_); }

  [[nodiscard]] PyObject* get() const { return pointer_; }
  [[nodiscard]] PyObject* release() { return std::exchange(pointer_, nullptr); }
  explicit operator bool() const { return pointer_ != nullptr; }

 private:
  PyObject* pointer_ = nullptr;
};

// The bytes that stand for a path (str, bytes or PathLike) in the file system's encoding. False
// with a Python error set.
bool path_bytes(PyObject* path, std::string& result);

// Sets OSError from errno and returns nullptr.
inline PyObject* os_error() { return PyErr_SetFromErrno(PyExc_OSError); }

// What each file of this module offers; see module.cc.
extern PyMethodDef calls_methods[];
extern PyMethodDef codec_methods[];
extern PyMethodDef context_methods[];
extern PyMethodDef culprit_methods[];
extern PyMethodDef environment_methods[];
extern PyMethodDef findings_methods[];
extern PyMethodDef memory_methods[];
extern PyMethodDef process_methods[];
extern PyMethodDef recorder_methods[];
extern PyMethodDef sockets_methods[];
extern PyMethodDef streams_methods[];

}  // namespace hearth::python
