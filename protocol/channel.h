// Messages and descriptors over one connected stream socket.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "protocol/codec.h"
#include "protocol/fd.h"

namespace hearth::protocol {

struct Received {
  Message message;
  std::vector<Fd> descriptors;
};

// Never blocks, whatever the socket's flags are (which it leaves alone), and raises no SIGPIPE. Not
// thread-safe and tied to no event loop: wait until fd() can be read, or written while
// wants_write(), and call on_readable() or on_writable().
//
// Open -> closed, for good: at the end of the peer's stream, when the socket fails, or at malformed
// input. What came before is still returned. A peer that does not read any more does not close the
// channel: what it wrote before can still be read, and what is sent to it is dropped.
class Channel {
 public:
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int fd() const { return socket_.get(); }

  // Queues the message, and writes as much of the queue as the socket takes. The descriptors are
  // closed here once they are sent or dropped. A message over limits::frame_bytes or with more than
  // limits::descriptors closes the channel.
  void send(const Message& message, std::vector<Fd> descriptors = {});
  // Queues only: for many small messages at once, followed by flush().
  void enqueue(const Message& message, std::vector<Fd> descriptors = {});
  void flush();

  [[nodiscard]] bool wants_write() const { return !queue_.empty(); }
  void on_writable() { flush(); }
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }

  // Reads until the socket is empty and returns the messages that are complete.
  [[nodiscard]] std::vector<Received> on_readable();

  [[nodiscard]] bool closed() const { return closed_; }
  // Why it is closed. Empty when open, and after an end of stream between two frames (also that of
  // a peer which died with something unread).
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  struct Chunk {  // whole frames; descriptors only with exactly one frame
    std::string bytes;
    std::vector<Fd> descriptors;
  };

  void written(std::size_t count);
  // False when there is nothing more to read now.
  bool read_some(std::vector<Received>& received);
  void take_frames(std::vector<Received>& received, std::vector<Fd> descriptors);
  void make_room();
  void end_of_stream();
  void close(std::string error);
  void drop_queue();

  Fd socket_;
  bool closed_ = false;
  bool peer_reads_ = true;
  std::string error_;

  std::deque<Chunk> queue_;
  std::size_t written_ = 0;  // of the front chunk
  std::size_t queued_bytes_ = 0;

  std::string buffer_;  // received; valid up to filled_
  std::size_t filled_ = 0;
  std::size_t consumed_ = 0;  // frames before this are taken
  std::vector<Fd>
      waiting_;  // descriptors of the frame that begins at consumed_, which is not complete yet
};

}  // namespace hearth::protocol
