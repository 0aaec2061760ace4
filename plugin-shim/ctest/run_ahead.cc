// Tests that are ordered before their turn, so that the next one begins when one ends, and not when
// this process has heard of it.
//
// Only those for which nothing could come out otherwise: they wait for nothing but a slot, nothing
// that is said or decided at their start hangs on what ends before, and nobody may stop the run in
// between.
#include <algorithm>
#include <utility>

#include "plugin-shim/ctest/run.h"
#include "plugin-shim/ctest/test_start.h"

namespace hearth::ctest {
namespace {

// What a process has written before its end is read and shown in this time.
constexpr auto kReadingTime = std::chrono::milliseconds(50);

// As many as keep those busy who begin them while this process hears of ends and orders more.
constexpr std::size_t kAheadOfEach = 16;
constexpr std::size_t kAheadOfAll = 32;

}  // namespace

bool Run::may_order_ahead() const {
  const Options& options = parts_.options;
  return options.repeat == Repeat::never && !options.stop_on_failure && options.test_load == 0 &&
         !parts_.stop_time && !parts_.console.is_verbose() &&
         std::all_of(places_.begin(), places_.end(),
                     [](const Place& place) { return !place.running->process_ended_at(); });
}

bool Run::may_be_ordered_ahead(std::size_t index) const {
  const Test& test = parts_.listing.tests[index];
  return !test.disabled && !test.command.empty() && !test.is_alone_of_its_program &&
         test.required_files.empty() && test.required_successes.empty() &&
         test.resource_groups.empty() && !test.processor_affinity &&
         test.environment_modification.empty();
}

void Run::order_ahead() {
  if (declined_at_ == done_ || !may_order_ahead()) return;
  const std::size_t running = places_.size();
  const std::size_t most = std::max(running, std::min(kAheadOfEach * running, kAheadOfAll));
  while (ahead_.size() < most) {
    const auto index = plan_.next();
    if (!index || !may_be_ordered_ahead(*index)) return;
    const Test& test = parts_.listing.tests[*index];
    Ahead ahead{*index, last_number_ + 1, command_of(test), {}, {}, {}};
    const StartRequest request{test, parts_.listing.version, {}, {}, {}, done_};
    if (!set_environment(request, parts_.console, ahead.command) ||
        !make_pipe(ahead.output, ahead.input))
      return;
    ahead.command.output = ahead.input.get();
    if (!parts_.executor.order_ahead(ahead.number, ahead.command)) {
      declined_at_ = done_;
      return;
    }
    ++last_number_;
    plan_.promise(*index);
    ahead_.push_back(std::move(ahead));
  }
}

std::optional<Run::Ahead> Run::take_ahead(std::size_t index) {
  const auto found = std::find_if(ahead_.begin(), ahead_.end(),
                                  [index](const Ahead& each) { return each.index == index; });
  if (found == ahead_.end()) return std::nullopt;
  Ahead ahead = std::move(*found);
  ahead_.erase(found);
  if (!ahead.ended && !parts_.executor.take_turn(ahead.number)) return std::nullopt;
  return ahead;
}

std::size_t Run::lacking_slots() const {
  if (!plan_.is_full()) return 0;
  return parts_.executor.begun_ahead() + static_cast<std::size_t>(std::count_if(
                                             ahead_.begin(), ahead_.end(), [](const Ahead& each) {
                                               return each.ended.has_value();
                                             }));
}

std::optional<Run::Clock::time_point> Run::passes_on_at(const Place& place) {
  const auto ended = place.running->process_ended_at();
  return ended ? std::optional(*ended + kReadingTime) : std::nullopt;
}

void Run::pass_slots_on() {
  const auto now = Clock::now();
  for (const Place& place : places_) {
    const auto time = passes_on_at(place);
    if (time && *time <= now && lacking_slots() > 0) plan_.pass_slots_on(place.index);
  }
}

void Run::start_ahead(Places::iterator place, Ahead ahead) {
  const Test& test = test_of(*place);
  ++place->attempts;
  parts_.report.start(test, done_);
  place->begun = std::chrono::system_clock::now();
  is_executed(place, ahead.number, std::move(ahead.command), std::move(ahead.output));
  if (ahead.ended) place->running->process_ended(*ahead.ended, Clock::now());
}

}  // namespace hearth::ctest
