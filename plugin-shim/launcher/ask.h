// A question to the daemon that is running; none is started for it.
#pragma once

#include <optional>

#include "protocol/messages.gen.h"

namespace hearth::launcher {

// Its answer. Nothing: the user has been told why (none runs, it does not answer, …).
std::optional<protocol::Message> ask_daemon(const protocol::Message& question,
                                            std::size_t answer_index);

template <typename Answer>
std::optional<Answer> ask(const protocol::Message& question) {
  auto message = ask_daemon(question, protocol::Message(Answer{}).index());
  if (!message) return std::nullopt;
  return std::get<Answer>(std::move(*message));
}

}  // namespace hearth::launcher
