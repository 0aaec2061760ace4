// How messages follow each other on a stream socket: four bytes of length (big-endian, of what
// follows), then the MessagePack bytes of one message.
//
// Descriptors ride on the first byte of their frame. A sender gives a frame with descriptors a
// sendmsg() of its own, which starts with the frame's first byte and goes no further than its last.
// The kernel never joins what was sent with descriptors to what follows, so a receiver knows that
// descriptors belong to the frame of the last byte that came with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/codec.h"

namespace hearth::protocol {

inline constexpr std::size_t frame_header_size = 4;

// Appends the frame of the message. False, and nothing appended, when it is larger than
// limits::frame_bytes.
[[nodiscard]] bool append_frame(std::string& out, const Message& message);

// The length in a frame's first four bytes. It may be over the limit: the caller checks.
[[nodiscard]] std::uint32_t frame_length(std::string_view header);

}  // namespace hearth::protocol
