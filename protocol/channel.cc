#include "protocol/channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "protocol/frame.h"

namespace hearth::protocol {
namespace {

constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t keep_size =
    1024 * 1024;  // an empty buffer that has grown beyond this is given back
constexpr std::size_t join_size =
    64 * 1024;  // small frames are joined up to here, to save system calls
constexpr std::size_t gather = 16;

std::string describe(int error) { return std::generic_category().message(error); }

// The peer has closed its end, or died without reading all that was sent to it.
bool is_peer_gone(int error) { return error == EPIPE || error == ECONNRESET; }

using Control = std::array<char, CMSG_SPACE(limits::descriptors * sizeof(int))>;

void attach(msghdr& header, Control& control, const std::vector<Fd>& descriptors) {
  std::array<int, limits::descriptors> numbers{};
  std::transform(descriptors.begin(), descriptors.end(), numbers.begin(),
                 [](const Fd& fd) { return fd.get(); });
  const std::size_t size = descriptors.size() * sizeof(int);
  header.msg_control = control.data();
  header.msg_controllen = CMSG_SPACE(size);
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(part), numbers.data(), size);
}

std::vector<Fd> detach(msghdr& header) {
  std::vector<Fd> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof number);
      descriptors.emplace_back(number);
    }
  }
  return descriptors;
}

void append(std::vector<Fd>& to, std::vector<Fd>& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
  from.clear();
}

}  // namespace

void Channel::send(const Message& message, std::vector<Fd> descriptors) {
  enqueue(message, std::move(descriptors));
  flush();
}

void Channel::enqueue(const Message& message, std::vector<Fd> descriptors) {
  if (closed_ || !peer_reads_) return;
  if (descriptors.size() > limits::descriptors) {
    return close(std::string(name_of(message)) + " has more descriptors than a frame may carry");
  }
  const bool joins = !queue_.empty() && descriptors.empty() && queue_.back().descriptors.empty() &&
                     queue_.back().bytes.size() < join_size;
  if (!joins) queue_.emplace_back();
  Chunk& chunk = queue_.back();
  const std::size_t before = chunk.bytes.size();
  if (!append_frame(chunk.bytes, message)) {
    return close(std::string(name_of(message)) + " is larger than a frame may be");
  }
  chunk.descriptors = std::move(descriptors);
  queued_bytes_ += chunk.bytes.size() - before;
}

void Channel::flush() {
  while (!queue_.empty()) {
    std::array<iovec, gather> parts{};
    std::size_t count = 0;
    for (Chunk& chunk : queue_) {
      // A chunk with descriptors travels alone (see frame.h).
      if (count == gather || (count > 0 && !chunk.descriptors.empty())) break;
      const std::size_t skip = count == 0 ? written_ : 0;
      parts[count++] = {chunk.bytes.data() + skip, chunk.bytes.size() - skip};
      if (!chunk.descriptors.empty()) break;
    }
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = count;
    alignas(cmsghdr) Control control{};
    if (!queue_.front().descriptors.empty()) attach(header, control, queue_.front().descriptors);

    const ssize_t sent = ::sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (!is_peer_gone(errno)) return close("sending: " + describe(errno));
      peer_reads_ = false;
      return drop_queue();
    }
    written(static_cast<std::size_t>(sent));
  }
}

void Channel::written(std::size_t count) {
  queue_.front().descriptors.clear();  // they went with the first byte
  queued_bytes_ -= count;
  written_ += count;
  while (!queue_.empty() && written_ >= queue_.front().bytes.size()) {
    written_ -= queue_.front().bytes.size();
    queue_.pop_front();
  }
}

std::vector<Received> Channel::on_readable() {
  std::vector<Received> received;
  while (!closed_ && read_some(received)) {
  }
  return received;
}

bool Channel::read_some(std::vector<Received>& received) {
  make_room();
  iovec part{buffer_.data() + filled_, buffer_.size() - filled_};
  alignas(cmsghdr) Control control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) {
    if (errno == EINTR) return true;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (is_peer_gone(errno)) {
      end_of_stream();
    } else {
      close("receiving: " + describe(errno));
    }
    return false;
  }
  std::vector<Fd> descriptors = detach(header);
  if ((header.msg_flags & MSG_CTRUNC) != 0) {
    close("more descriptors than a frame may carry, or than this process may open");
    return false;
  }
  if (count == 0) {
    end_of_stream();
    return false;
  }
  filled_ += static_cast<std::size_t>(count);
  take_frames(received, std::move(descriptors));
  return true;
}

void Channel::take_frames(std::vector<Received>& received, std::vector<Fd> descriptors) {
  while (filled_ - consumed_ >= frame_header_size) {
    const std::string_view rest(buffer_.data() + consumed_, filled_ - consumed_);
    const std::size_t length = frame_length(rest);
    if (length > limits::frame_bytes) {
      return close("a frame of " + std::to_string(length) + " bytes is larger than a frame may be");
    }
    if (rest.size() - frame_header_size < length) break;
    auto message = decode(rest.substr(frame_header_size, length));
    if (!message) return close("malformed message: " + message.error().message);
    consumed_ += frame_header_size + length;
    Received next{std::move(*message), std::exchange(waiting_, {})};
    // The last byte that came with the descriptors is in their frame.
    if (consumed_ == filled_) append(next.descriptors, descriptors);
    if (next.descriptors.size() > limits::descriptors) {
      return close("more descriptors than a frame may carry");
    }
    received.push_back(std::move(next));
  }
  append(waiting_, descriptors);
  if (waiting_.size() > limits::descriptors) close("more descriptors than a frame may carry");
}

// Room follows what has arrived, not what a header announces: a peer cannot make us allocate what
// it does not send.
void Channel::make_room() {
  if (consumed_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + consumed_, filled_ - consumed_);
    filled_ -= consumed_;
    consumed_ = 0;
  }
  if (filled_ == 0 && buffer_.size() > keep_size) buffer_ = std::string();
  if (filled_ == buffer_.size()) buffer_.resize(std::max(read_size, 2 * buffer_.size()));
}

void Channel::end_of_stream() {
  close(consumed_ == filled_ ? "" : "the stream ended in the middle of a frame");
}

void Channel::close(std::string error) {
  closed_ = true;
  error_ = std::move(error);
  drop_queue();
  waiting_.clear();
  buffer_ = std::string();
  filled_ = consumed_ = 0;
}

void Channel::drop_queue() {
  queue_.clear();
  queued_bytes_ = 0;
  written_ = 0;
}

}  // namespace hearth::protocol
