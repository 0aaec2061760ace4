#include "protocol/codec.h"

#include <algorithm>

#include "protocol/wire.h"

namespace hearth::protocol {
namespace wire {

const msgpack::object* FieldReader::find(std::string_view field) {
  const auto matches = [&](const msgpack::object_kv& entry) {
    return entry.key.type == msgpack::type::STR &&
           std::string_view(entry.key.via.str.ptr, entry.key.via.str.size) == field;
  };
  if (next_ < fields_.size && matches(fields_.ptr[next_])) return &fields_.ptr[next_++].val;
  for (std::uint32_t i = 0; i < fields_.size; ++i) {
    if (matches(fields_.ptr[i])) {
      next_ = i + 1;
      return &fields_.ptr[i].val;
    }
  }
  return nullptr;
}

}  // namespace wire

namespace {

// Walks the bytes without allocating and refuses what is over a limit. Each element takes at least
// a byte, so all the lengths that a message declares cannot add up to more than its size: without
// this check, a few bytes that announce lists within lists would make the second pass allocate
// gigabytes.
class Bounds : public msgpack::null_visitor {
 public:
  explicit Bounds(std::size_t budget) : budget_(budget) {}

  bool visit_str(const char*, std::uint32_t size) {
    return size <= limits::string_bytes || refuse("a string is too long");
  }
  bool visit_bin(const char*, std::uint32_t size) {
    return size <= limits::bytes_bytes || refuse("a bytes value is too long");
  }
  bool visit_ext(const char*, std::uint32_t) { return refuse("extension types are not used"); }
  bool start_array(std::uint32_t count) { return start(count); }
  bool start_map(std::uint32_t count) { return start(std::size_t{count} * 2); }
  bool end_array() { return end(); }
  bool end_map() { return end(); }

  [[nodiscard]] const char* refusal() const { return refusal_; }

 private:
  bool start(std::size_t count) {
    if (count > limits::list_items) return refuse("a list has too many items");
    if (count > budget_) return refuse("a list announces more items than there are bytes");
    budget_ -= count;
    return ++depth_ <= limits::nesting || refuse("nested too deeply");
  }
  bool end() {
    --depth_;
    return true;
  }
  bool refuse(const char* why) {
    refusal_ = why;
    return false;
  }

  std::size_t budget_;
  std::size_t depth_ = 0;
  const char* refusal_ = nullptr;
};

DecodeError error(std::string_view text) { return DecodeError{std::string(text)}; }

bool refer_to_input(msgpack::type::object_type, std::size_t, void*) { return true; }

}  // namespace

std::size_t encoded_size_bound(const Message& message) { return wire::size_of_message(message); }

void encode_to(std::string& out, const Message& message) {
  const std::size_t needed = out.size() + encoded_size_bound(message);
  // At least double: reserve() takes the size literally, and many small messages may be appended to
  // one string.
  if (needed > out.capacity()) out.reserve(std::max(needed, 2 * out.capacity()));
  wire::Sink sink{out};
  wire::Packer packer(sink);
  wire::write_message(packer, message);
}

std::string encode(const Message& message) {
  std::string out;
  encode_to(out, message);
  return out;
}

tl::expected<Message, DecodeError> decode(std::string_view bytes) {
  if (bytes.empty()) return tl::unexpected(error("no bytes"));
  if (bytes.size() > limits::frame_bytes)
    return tl::unexpected(error("larger than a message may be"));
  try {
    Bounds bounds(bytes.size());
    std::size_t end = 0;
    const bool whole = msgpack::parse(bytes.data(), bytes.size(), end, bounds);
    if (bounds.refusal() != nullptr) return tl::unexpected(error(bounds.refusal()));
    if (!whole) return tl::unexpected(error("not one whole MessagePack value"));
    if (end != bytes.size()) return tl::unexpected(error("bytes after the message"));

    const msgpack::unpack_limit limit(limits::list_items, limits::list_items, limits::string_bytes,
                                      limits::bytes_bytes, 0, limits::nesting);
    msgpack::zone zone;
    // Strings and blobs of the object tree point into `bytes`; they are copied once, into the
    // message.
    const msgpack::object root =
        msgpack::unpack(zone, bytes.data(), bytes.size(), refer_to_input, nullptr, limit);
    if (root.type != msgpack::type::ARRAY || root.via.array.size != 2 ||
        root.via.array.ptr[0].type != msgpack::type::POSITIVE_INTEGER) {
      return tl::unexpected(error("not an array of a message's id and its fields"));
    }
    const std::uint64_t id = root.via.array.ptr[0].via.u64;
    const msgpack::object& fields = root.via.array.ptr[1];
    const wire::MessageType* type = wire::find_message_type(id);
    if (type == nullptr) {
      return tl::unexpected(error("unknown message id " + std::to_string(id)));
    }
    if (fields.type != msgpack::type::MAP) {
      return tl::unexpected(error(std::string(type->name) + ": expected a map of its fields"));
    }
    wire::FieldReader reader(fields.via.map);
    tl::expected<Message, DecodeError> message;
    if (!type->read(reader, *message)) {
      return tl::unexpected(error(std::string(type->name) + "." + reader.error()));
    }
    return message;
  } catch (const msgpack::unpack_error& problem) {
    return tl::unexpected(error(problem.what()));
  }
}

}  // namespace hearth::protocol
