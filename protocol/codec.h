// Messages to bytes and back.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "protocol/messages.gen.h"

namespace hearth::protocol {

// Why bytes are not a message: one line that names the message and the field where that is known.
struct DecodeError {
  std::string message;
};

// One MessagePack value: [id, {field: value, …}].
[[nodiscard]] std::string encode(const Message& message);

// Appends the same bytes.
void encode_to(std::string& out, const Message& message);

// No less than the size of encode(message), and not much more; cheap.
[[nodiscard]] std::size_t encoded_size_bound(const Message& message);

// Accepts exactly one whole message within the schema's limits, of a known id, with every field
// there and of its type. Unknown fields are ignored; if a field appears twice, the first counts.
// Strings are not checked to be UTF-8. Never throws but std::bad_alloc, and never allocates more
// than a small multiple of the size of `bytes`.
[[nodiscard]] tl::expected<Message, DecodeError> decode(std::string_view bytes);

}  // namespace hearth::protocol
