// MessagePack for Python objects, in two dialects.
//
// pack/unpack: what messages are made of (None, bool, int of 64 bits, float, str, bytes, list,
// dict; a tuple is an array). dumps/loads: for values that must come out as they went in. Extension
// types carry what MessagePack has no word for: tuple, set, frozenset, big int, str with lone
// surrogates. Only exact types are taken; anything else is given to a function that returns its
// replacement.
#include <array>
#include <cstdint>
#include <memory>
#include <msgpack.hpp>

#include "plugin-shim/pytest/native/python.h"

namespace hearth::python {
namespace {

enum class Extension : std::int8_t {
  tuple = 1,
  set = 2,
  frozenset = 3,
  big_int = 4,
  surrogates = 5
};

constexpr int max_nesting = 100;
constexpr std::size_t max_bytes = 268435456;
constexpr std::size_t max_items = 4000000;

using Packer = msgpack::packer<msgpack::sbuffer>;

class Writer {
 public:
  // `fallback` (borrowed) null: the message dialect.
  Writer(msgpack::sbuffer& buffer, PyObject* fallback) : packer_(buffer), fallback_(fallback) {}

  // False with a Python error set.
  bool write(PyObject* object, int depth = 0) {
    if (object == Py_None) return packer_.pack_nil(), true;
    if (object == Py_True) return packer_.pack_true(), true;
    if (object == Py_False) return packer_.pack_false(), true;
    if (PyUnicode_CheckExact(object)) return write_str(object);
    if (PyLong_CheckExact(object)) return write_int(object);
    if (PyFloat_CheckExact(object)) return packer_.pack_double(PyFloat_AsDouble(object)), true;
    if (PyBytes_CheckExact(object)) return write_bytes(object);
    if (depth >= max_nesting) return replace(object, depth, "nested too deeply");
    if (PyDict_CheckExact(object)) return write_dict(object, depth);
    if (PyList_CheckExact(object)) return write_list(object, depth);
    if (PyTuple_CheckExact(object)) {
      if (fallback_ == nullptr) return write_tuple(object, depth);
      return write_nested(Extension::tuple, object, depth);
    }
    if (fallback_ != nullptr && PyAnySet_CheckExact(object)) {
      const auto type = Py_TYPE(object) == &PySet_Type ? Extension::set : Extension::frozenset;
      return write_nested(type, object, depth);
    }
    return replace(object, depth, "not of a type that can be sent");
  }

 private:
  bool write_str(PyObject* object) {
    Object utf8(PyUnicode_AsUTF8String(object));
    if (!utf8) {
      if (fallback_ == nullptr || PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) == 0)
        return false;
      PyErr_Clear();
      utf8 = Object(PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass"));
      return utf8 && write_extension(Extension::surrogates, utf8.get());
    }
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(utf8.get(), &data, &size) != 0) return false;
    if (!fits(size)) return false;
    packer_.pack_str(static_cast<std::uint32_t>(size));
    packer_.pack_str_body(data, static_cast<std::uint32_t>(size));
    return true;
  }

  bool write_bytes(PyObject* object) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(object, &data, &size) != 0 || !fits(size)) return false;
    packer_.pack_bin(static_cast<std::uint32_t>(size));
    packer_.pack_bin_body(data, static_cast<std::uint32_t>(size));
    return true;
  }

  bool write_int(PyObject* object) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0) {
      if (value == -1 && PyErr_Occurred() != nullptr) return false;
      packer_.pack_int64(value);
      return true;
    }
    if (overflow > 0) {
      const unsigned long long positive = PyLong_AsUnsignedLongLong(object);
      if (PyErr_Occurred() == nullptr) return packer_.pack_uint64(positive), true;
      if (fallback_ == nullptr) return false;
      PyErr_Clear();
    } else if (fallback_ == nullptr) {
      PyErr_SetString(PyExc_OverflowError, "int does not fit 64 bits");
      return false;
    }
    // Base 16 has no limit of digits (int's str has, from Python 3.11 on).
    const Object digits(PyNumber_ToBase(object, 16));
    if (!digits) return false;
    const Object text(PyUnicode_AsUTF8String(digits.get()));
    return text && write_extension(Extension::big_int, text.get());
  }

  bool write_dict(PyObject* object, int depth) {
    packer_.pack_map(static_cast<std::uint32_t>(PyDict_Size(object)));
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(object, &position, &key, &value) != 0) {
      if (!write(key, depth + 1) || !write(value, depth + 1)) return false;
    }
    return true;
  }

  bool write_list(PyObject* object, int depth) {
    const Py_ssize_t size = PyList_Size(object);
    packer_.pack_array(static_cast<std::uint32_t>(size));
    for (Py_ssize_t i = 0; i < size; ++i) {
      // The fallback may run Python code, which may change the list.
      PyObject* item = PyList_GetItem(object, i);
      if (item == nullptr || !write(item, depth + 1)) return false;
    }
    return true;
  }

  bool write_tuple(PyObject* object, int depth) {
    const Py_ssize_t size = PyTuple_Size(object);
    packer_.pack_array(static_cast<std::uint32_t>(size));
    for (Py_ssize_t i = 0; i < size; ++i) {
      if (!write(PyTuple_GetItem(object, i), depth + 1)) return false;
    }
    return true;
  }

  // A container as an extension whose payload is an array.
  bool write_nested(Extension type, PyObject* object, int depth) {
    msgpack::sbuffer payload;
    Writer writer(payload, fallback_);
    if (type == Extension::tuple) {
      if (!writer.write_tuple(object, depth)) return false;
    } else {
      const Object items(PySequence_List(object));
      if (!items || !writer.write_list(items.get(), depth)) return false;
    }
    packer_.pack_ext(payload.size(), static_cast<std::int8_t>(type));
    packer_.pack_ext_body(payload.data(), static_cast<std::uint32_t>(payload.size()));
    return true;
  }

  bool write_extension(Extension type, PyObject* bytes) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(bytes, &data, &size) != 0 || !fits(size)) return false;
    packer_.pack_ext(static_cast<std::size_t>(size), static_cast<std::int8_t>(type));
    packer_.pack_ext_body(data, static_cast<std::uint32_t>(size));
    return true;
  }

  bool replace(PyObject* object, int depth, const char* why) {
    if (fallback_ == nullptr || depth > max_nesting) {
      PyErr_Format(PyExc_TypeError, "%R: %s", Py_TYPE(object), why);
      return false;
    }
    const Object replacement(PyObject_CallFunctionObjArgs(fallback_, object, nullptr));
    if (!replacement) return false;
    // One beyond the limit: a replacement that needs another one is the fallback's mistake.
    return write(replacement.get(),
                 PyUnicode_CheckExact(replacement.get()) ? depth : max_nesting + 1);
  }

  static bool fits(Py_ssize_t size) {
    if (static_cast<std::size_t>(size) <= max_bytes) return true;
    PyErr_Format(PyExc_ValueError, "%zd bytes are more than one message may have", size);
    return false;
  }

  Packer packer_;
  PyObject* fallback_;
};

class Reader {
 public:
  explicit Reader(bool rich) : rich_(rich) {}

  // A new reference, or null with a Python error set.
  PyObject* read(const char* data, std::size_t size) const {
    try {
      std::size_t offset = 0;
      const msgpack::object_handle handle =
          msgpack::unpack(data, size, offset, keep_in_place, nullptr, limits());
      if (offset == size) return convert(handle.get());
      PyErr_SetString(PyExc_ValueError, "bytes after the end of the value");
    } catch (const std::exception& error) {
      PyErr_Format(PyExc_ValueError, "malformed MessagePack: %s", error.what());
    }
    return nullptr;
  }

 private:
  static bool keep_in_place(msgpack::type::object_type, std::size_t, void*) { return true; }

  static msgpack::unpack_limit limits() {
    return {max_items, max_items, max_bytes, max_bytes, max_bytes, 2 * max_nesting};
  }

  PyObject* convert(const msgpack::object& object) const {
    switch (object.type) {
      case msgpack::type::NIL:
        Py_RETURN_NONE;
      case msgpack::type::BOOLEAN:
        return PyBool_FromLong(object.via.boolean ? 1 : 0);
      case msgpack::type::POSITIVE_INTEGER:
        return PyLong_FromUnsignedLongLong(object.via.u64);
      case msgpack::type::NEGATIVE_INTEGER:
        return PyLong_FromLongLong(object.via.i64);
      case msgpack::type::FLOAT32:
      case msgpack::type::FLOAT64:
        return PyFloat_FromDouble(object.via.f64);
      case msgpack::type::STR:
        return PyUnicode_DecodeUTF8(object.via.str.ptr, object.via.str.size,
                                    rich_ ? "strict" : "replace");
      case msgpack::type::BIN:
        return PyBytes_FromStringAndSize(object.via.bin.ptr, object.via.bin.size);
      case msgpack::type::ARRAY:
        return convert_array(object.via.array);
      case msgpack::type::MAP:
        return convert_map(object.via.map);
      case msgpack::type::EXT:
        if (rich_) return convert_extension(object.via.ext);
        break;
    }
    PyErr_SetString(PyExc_ValueError, "a MessagePack type that is not used");
    return nullptr;
  }

  PyObject* convert_array(const msgpack::object_array& array) const {
    Object list(PyList_New(array.size));
    for (std::uint32_t i = 0; list && i < array.size; ++i) {
      PyObject* item = convert(array.ptr[i]);
      if (item == nullptr || PyList_SetItem(list.get(), i, item) != 0) return nullptr;
    }
    return list.release();
  }

  PyObject* convert_map(const msgpack::object_map& map) const {
    Object dict(PyDict_New());
    for (std::uint32_t i = 0; dict && i < map.size; ++i) {
      const Object key(convert(map.ptr[i].key));
      const Object value(key ? convert(map.ptr[i].val) : nullptr);
      if (!value || PyDict_SetItem(dict.get(), key.get(), value.get()) != 0) return nullptr;
    }
    return dict.release();
  }

  PyObject* convert_extension(const msgpack::object_ext& extension) const {
    const char* data = extension.data();
    const auto size = static_cast<std::size_t>(extension.size);
    switch (static_cast<Extension>(extension.type())) {
      case Extension::tuple:
      case Extension::set:
      case Extension::frozenset: {
        if (Py_EnterRecursiveCall(" while reading a value") != 0) return nullptr;
        const Object list(read(data, size));
        Py_LeaveRecursiveCall();
        if (!list) return nullptr;
        if (static_cast<Extension>(extension.type()) == Extension::tuple)
          return PySequence_Tuple(list.get());
        return static_cast<Extension>(extension.type()) == Extension::set
                   ? PySet_New(list.get())
                   : PyFrozenSet_New(list.get());
      }
      case Extension::big_int:
        return PyLong_FromString(std::string(data, size).c_str(), nullptr, 16);
      case Extension::surrogates:
        return PyUnicode_DecodeUTF8(data, static_cast<Py_ssize_t>(size), "surrogatepass");
    }
    PyErr_SetString(PyExc_ValueError, "an unknown extension type");
    return nullptr;
  }

  bool rich_;
};

PyObject* to_bytes(const msgpack::sbuffer& buffer) {
  return PyBytes_FromStringAndSize(buffer.data(), static_cast<Py_ssize_t>(buffer.size()));
}

PyObject* pack(PyObject*, PyObject* object) {
  msgpack::sbuffer buffer;
  return Writer(buffer, nullptr).write(object) ? to_bytes(buffer) : nullptr;
}

PyObject* pack_frame(PyObject*, PyObject* object) {
  msgpack::sbuffer buffer;
  buffer.write("\0\0\0\0", 4);
  if (!Writer(buffer, nullptr).write(object)) return nullptr;
  const std::size_t size = buffer.size() - 4;
  if (size > max_bytes) {
    PyErr_Format(PyExc_ValueError, "%zu bytes are more than one message may have", size);
    return nullptr;
  }
  for (int i = 0; i < 4; ++i) buffer.data()[i] = static_cast<char>(size >> (24 - 8 * i));
  return to_bytes(buffer);
}

PyObject* unpack(PyObject*, PyObject* bytes) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(bytes, &data, &size) != 0) return nullptr;
  return Reader(false).read(data, static_cast<std::size_t>(size));
}

PyObject* dumps(PyObject*, PyObject* args) {
  PyObject* object = nullptr;
  PyObject* fallback = nullptr;
  if (PyArg_ParseTuple(args, "OO", &object, &fallback) == 0) return nullptr;
  msgpack::sbuffer buffer;
  return Writer(buffer, fallback).write(object) ? to_bytes(buffer) : nullptr;
}

PyObject* loads(PyObject*, PyObject* bytes) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(bytes, &data, &size) != 0) return nullptr;
  return Reader(true).read(data, static_cast<std::size_t>(size));
}

}  // namespace

PyMethodDef codec_methods[] = {
    {"pack", pack, METH_O, "pack(value) -> bytes: MessagePack of a message's wire form."},
    {"pack_frame", pack_frame, METH_O,
     "pack_frame(value) -> bytes: the same with its length before it, as on stream sockets."},
    {"unpack", unpack, METH_O, "unpack(bytes) -> value: ValueError for anything malformed."},
    {"dumps", dumps, METH_VARARGS,
     "dumps(value, fallback) -> bytes: as loads gives it back; fallback(object) returns a str for "
     "what cannot be carried."},
    {"loads", loads, METH_O, "loads(bytes) -> value: what dumps was given."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace hearth::python
