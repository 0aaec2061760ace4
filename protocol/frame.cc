#include "protocol/frame.h"

namespace hearth::protocol {

bool append_frame(std::string& out, const Message& message) {
  // Before it is encoded: what is too large should not be copied first. The bound is a few bytes
  // per field too high, which matters to nobody this near to the limit.
  if (encoded_size_bound(message) > limits::frame_bytes) return false;
  const std::size_t start = out.size();
  out.append(frame_header_size, '\0');
  encode_to(out, message);
  const std::size_t length = out.size() - start - frame_header_size;
  for (std::size_t i = 0; i < frame_header_size; ++i) {
    out[start + i] = static_cast<char>(length >> (8 * (frame_header_size - 1 - i)) & 0xff);
  }
  return true;
}

std::uint32_t frame_length(std::string_view header) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < frame_header_size; ++i) {
    length = length << 8 | static_cast<unsigned char>(header[i]);
  }
  return length;
}

}  // namespace hearth::protocol
