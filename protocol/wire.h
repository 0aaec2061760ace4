// How the types of the schema are written to and read from MessagePack. Only messages.gen.cc and
// codec.cc include this: it is the one place, with them, that knows msgpack-c.
//
// Each type of the schema has a class here with `Type`, `name`, `write`, `read` (false: the object
// is something else) and `size` (an upper bound in bytes, so that an encoder allocates once).
#pragma once

#include <cstdint>
#include <limits>
#include <msgpack.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/messages.gen.h"

namespace hearth::protocol::wire {

// What msgpack::packer writes to.
struct Sink {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};
using Packer = msgpack::packer<Sink>;

inline constexpr std::size_t scalar_size = 9;
inline constexpr std::size_t length_size = 5;
inline std::size_t text_size(std::string_view text) { return length_size + text.size(); }

struct Uint {
  using Type = std::uint64_t;
  static constexpr const char* name = "uint";
  static void write(Packer& packer, Type value) { packer.pack_uint64(value); }
  static std::size_t size(Type) { return scalar_size; }
  static bool read(const msgpack::object& object, Type& value) {
    if (object.type != msgpack::type::POSITIVE_INTEGER) return false;
    value = object.via.u64;
    return true;
  }
};

struct Int {
  using Type = std::int64_t;
  static constexpr const char* name = "int";
  static void write(Packer& packer, Type value) { packer.pack_int64(value); }
  static std::size_t size(Type) { return scalar_size; }
  static bool read(const msgpack::object& object, Type& value) {
    if (object.type == msgpack::type::NEGATIVE_INTEGER) {
      value = object.via.i64;
      return true;
    }
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Type>::max());
    if (object.type != msgpack::type::POSITIVE_INTEGER || object.via.u64 > most) return false;
    value = static_cast<Type>(object.via.u64);
    return true;
  }
};

struct Float {
  using Type = double;
  static constexpr const char* name = "float";
  static void write(Packer& packer, Type value) { packer.pack_double(value); }
  static std::size_t size(Type) { return scalar_size; }
  static bool read(const msgpack::object& object, Type& value) {
    if (object.type != msgpack::type::FLOAT64 && object.type != msgpack::type::FLOAT32)
      return false;
    value = object.via.f64;
    return true;
  }
};

struct Bool {
  using Type = bool;
  static constexpr const char* name = "bool";
  static void write(Packer& packer, Type value) {
    value ? packer.pack_true() : packer.pack_false();
  }
  static std::size_t size(Type) { return 1; }
  static bool read(const msgpack::object& object, Type& value) {
    if (object.type != msgpack::type::BOOLEAN) return false;
    value = object.via.boolean;
    return true;
  }
};

struct Text {
  using Type = std::string;
  static constexpr const char* name = "string";
  static void write(Packer& packer, std::string_view value) {
    const auto length = static_cast<std::uint32_t>(value.size());
    packer.pack_str(length).pack_str_body(value.data(), length);
  }
  static std::size_t size(const Type& value) { return text_size(value); }
  static bool read(const msgpack::object& object, Type& value) {
    if (object.type != msgpack::type::STR) return false;
    value.assign(object.via.str.ptr, object.via.str.size);
    return true;
  }
};

struct Bytes {
  using Type = std::string;
  static constexpr const char* name = "bytes";
  static void write(Packer& packer, std::string_view value) {
    const auto length = static_cast<std::uint32_t>(value.size());
    packer.pack_bin(length).pack_bin_body(value.data(), length);
  }
  static std::size_t size(const Type& value) { return text_size(value); }
  static bool read(const msgpack::object& object, Type& value) {
    if (object.type != msgpack::type::BIN) return false;
    value.assign(object.via.bin.ptr, object.via.bin.size);
    return true;
  }
};

// Specialised by messages.gen.cc for each enum and struct.
template <class T>
struct Wire;

template <class Element>
struct List {
  using Type = std::vector<typename Element::Type>;
  static constexpr const char* name = "list";
  static void write(Packer& packer, const Type& value) {
    packer.pack_array(static_cast<std::uint32_t>(value.size()));
    for (const auto& element : value) Element::write(packer, element);
  }
  static std::size_t size(const Type& value) {
    std::size_t sum = length_size;
    for (const auto& element : value) sum += Element::size(element);
    return sum;
  }
  static bool read(const msgpack::object& object, Type& value) {
    if (object.type != msgpack::type::ARRAY) return false;
    value.clear();
    value.reserve(object.via.array.size);
    for (std::uint32_t i = 0; i < object.via.array.size; ++i) {
      typename Element::Type element{};
      if (!Element::read(object.via.array.ptr[i], element)) return false;
      value.push_back(std::move(element));
    }
    return true;
  }
};

inline bool is_array_of(std::uint32_t size, const msgpack::object& object) {
  return object.type == msgpack::type::ARRAY && object.via.array.size == size;
}

inline void start_message(Packer& packer, std::uint64_t id, std::uint32_t fields) {
  packer.pack_array(2);
  packer.pack_uint64(id);
  packer.pack_map(fields);
}

template <class Type>
void write_field(Packer& packer, std::string_view field, const typename Type::Type& value) {
  Text::write(packer, field);
  Type::write(packer, value);
}

// Takes the fields of one message out of its map, and remembers the first that is missing or
// mistyped.
class FieldReader {
 public:
  explicit FieldReader(const msgpack::object_map& fields) : fields_(fields) {}

  template <class Type>
  [[nodiscard]] bool read(std::string_view field, typename Type::Type& value) {
    const msgpack::object* object = find(field);
    if (object != nullptr && Type::read(*object, value)) return true;
    error_ = object == nullptr ? std::string(field) + " is missing"
                               : std::string(field) + ": expected " + Type::name;
    return false;
  }

  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  [[nodiscard]] const msgpack::object* find(std::string_view field);

  const msgpack::object_map& fields_;
  std::uint32_t next_ = 0;  // where the next field is if the peer writes them in the schema's order
  std::string error_;
};

struct MessageType {
  std::string_view name;
  // Makes `message` one of this type and reads its fields into it.
  bool (*read)(FieldReader& reader, Message& message);
};

void write_message(Packer& packer, const Message& message);
[[nodiscard]] std::size_t size_of_message(const Message& message);
// Null for an unknown id.
[[nodiscard]] const MessageType* find_message_type(std::uint64_t id);

}  // namespace hearth::protocol::wire
