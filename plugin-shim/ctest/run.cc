#include "plugin-shim/ctest/run.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "plugin-shim/client/terminal.h"
#include "plugin-shim/ctest/resource_variables.h"
#include "plugin-shim/ctest/status_line.h"
#include "plugin-shim/ctest/test_start.h"
#include "protocol/poll_time.h"

namespace hearth::ctest {
namespace {

constexpr Version kKnowsNoTimeout{3, 27};  // and no longer calls it 0
constexpr Seconds kNoTimeout{1.0e7};       // as ctest has it

std::set<unsigned> allowed_processors() {
  std::set<unsigned> allowed;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return allowed;
  for (unsigned processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &set)) allowed.insert(processor);
  }
  return allowed;
}

}  // namespace

Run::Run(RunParts parts, scheduler::CommandPlan plan, std::vector<CostEntry> costs,
         std::size_t done)
    : parts_(std::move(parts)),
      plan_(std::move(plan)),
      costs_(std::move(costs)),
      done_(done),
      free_processors_(allowed_processors()) {}

int Run::carry_out() {
  while (interrupted_by_ == 0) {
    start_ready();
    order_ahead();
    if (places_.empty() && !held_up_until_ && !waits_for_slots_) break;
    show_status();
    parts_.console.flush();
    if (!wait()) break;
    finish_what_is_done();
  }
  parts_.executor.end_ahead();
  parts_.console.set_status({});
  return interrupted_by_;
}

void Run::start_ready() {
  pass_slots_on();
  // What ends at once (a test that is disabled, say) makes room for more.
  while (true) {
    held_up_until_.reset();
    waits_for_slots_ = false;
    if (!may_start_more()) {
      parts_.executor.slots_for(plan_.used_slots(), 0);
      return;
    }
    const auto most = more_slots();
    if (!most) return;
    const auto starts = plan_.start_next(Clock::now() - begun_, *most);
    if (starts.empty()) return;
    const std::size_t done = done_;
    for (const auto& next : starts) begin(next);
    if (done == done_) return;
  }
}

bool Run::may_start_more() {
  if (parts_.stop_time && *parts_.stop_time <= std::chrono::system_clock::now()) pass_stop_time();
  return !stop_time_passed_ && !(parts_.options.stop_on_failure && !failed_.empty());
}

std::optional<std::size_t> Run::more_slots() {
  const auto by_load = slots_by_load();
  if (!by_load) return std::nullopt;
  const std::size_t used = plan_.used_slots();
  const std::size_t usable = plan_.usable_slots();
  std::size_t lent = parts_.executor.slots_for(used, usable);
  waits_for_slots_ = used == 0 && usable > 0 && lent == 0;
  if (waits_for_slots_) return std::nullopt;
  // A command that wants more than this run ever gets beside others goes while nothing else does.
  if (used == 0 && lent < usable) lent = std::max(lent, plan_.smallest_ready());
  return std::min(*by_load, lent);
}

std::optional<std::size_t> Run::slots_by_load() {
  constexpr auto kAny = static_cast<std::size_t>(-1);
  const unsigned long highest = parts_.options.test_load;
  if (highest == 0) return kAny;
  const std::size_t smallest = plan_.smallest_ready();
  std::array<double, 1> average{};
  if (smallest == 0 || getloadavg(average.data(), 1) != 1) return kAny;
  const auto load = static_cast<unsigned long>(std::ceil(average[0]));
  const std::size_t spare = highest > load ? highest - load : 0;
  if (spare >= smallest) return spare;
  parts_.console.print_verbose("***** WAITING, System Load: " + std::to_string(load) +
                               ", Max Allowed Load: " + std::to_string(highest) + "*****\n");
  held_up_until_ = Clock::now() + std::chrono::seconds(std::rand() % 5 + 1);
  return std::nullopt;
}

void Run::begin(const scheduler::CommandPlan::Start& next) {
  const Test& test = parts_.listing.tests[next.index];
  const auto place = places_.insert(places_.end(), Place{});
  place->index = next.index;
  if (parts_.has_resources)
    place->resource_variables = variables_of(next.resources, test.resource_groups.size());
  if (test.processor_affinity) {
    const std::size_t wanted = plan_.command(next.index).slots;
    while (place->command.processors.size() < wanted && !free_processors_.empty())
      place->command.processors.push_back(
          free_processors_.extract(free_processors_.begin()).value());
  }
  parts_.console.print_verbose("test " + std::to_string(test.number) + "\n");
  start(place);
}

void Run::start(Places::iterator place) {
  if (auto ahead = take_ahead(place->index)) return start_ahead(place, std::move(*ahead));
  const Test& test = test_of(*place);
  ++place->attempts;
  place->begun.reset();
  StartRequest request{test, parts_.listing.version, {}, {}, place->resource_variables, done_};
  if (!parts_.lacking_resources.empty())
    request.lacking_resources = parts_.lacking_resources[place->index];
  const std::vector<std::string> none;
  for (const std::string& name : test.required_successes.empty() ? none : failed_) {
    if (std::find(test.required_successes.begin(), test.required_successes.end(), name) !=
        test.required_successes.end())
      request.failed_requirements.push_back(name);
  }
  std::sort(request.failed_requirements.begin(), request.failed_requirements.end());
  auto command = prepare_start(request, parts_.report, parts_.console, parts_.log);
  if (!command) return not_started(place, command.error());

  if (parts_.console.is_verbose()) {
    const RunningTest::Limit limit = limit_of(test);
    const bool says_none = parts_.listing.version < kKnowsNoTimeout && test.timeout == Seconds(0) &&
                           limit.time == kNoTimeout;
    parts_.report.tell(
        test, "Test timeout computed to be: " +
                  std::to_string(static_cast<unsigned>(says_none ? 0 : limit.time.count())));
  }
  place->begun = std::chrono::system_clock::now();
  if (auto set = set_environment(request, parts_.console, *command); !set)
    return not_started(place, set.error());
  protocol::Fd output;
  protocol::Fd input;
  if (!make_pipe(output, input)) {
    parts_.console.complain("Error initializing pipe: " + std::string(std::strerror(errno)) + "\n");
    return not_started(place, hearth::ctest::not_started(Status::bad_command, "Failed to start"));
  }
  command->is_once = test.is_alone_of_its_program && place->attempts == 1;
  command->processors = place->command.processors;
  command->output = input.get();
  parts_.executor.start(++last_number_, *command);
  is_executed(place, last_number_, std::move(*command), std::move(output));
}

bool Run::make_pipe(protocol::Fd& output, protocol::Fd& input) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  output = protocol::Fd(ends[0]);
  input = protocol::Fd(ends[1]);
  return true;
}

void Run::is_executed(Places::iterator place, CommandNumber number, Command command,
                      protocol::Fd output) {
  const Test& test = test_of(*place);
  const auto now = Clock::now();
  place->running =
      std::make_unique<RunningTest>(test, number, std::move(output), limit_of(test), now);
  if (parts_.options.slow_after.count() > 0)
    place->slow_at = now + std::chrono::ceil<Clock::duration>(parts_.options.slow_after);
  place->command = std::move(command);
}

RunningTest::Limit Run::limit_of(const Test& test) const {
  Seconds timeout = kNoTimeout;
  if (test.timeout && test.timeout->count() >= 0) {
    if (test.timeout->count() > 0) timeout = *test.timeout;
  } else if (parts_.options.timeout.count() > 0) {
    timeout = parts_.options.timeout;
  } else if (parts_.usual_timeout.count() > 0) {
    timeout = parts_.usual_timeout;
  }
  timeout = std::min(timeout, kNoTimeout);
  if (!parts_.stop_time) return {timeout, false};
  const Seconds left = *parts_.stop_time - std::chrono::system_clock::now();
  return {std::max(Seconds(0), std::min(timeout, left)), left < timeout};
}

void Run::pass_stop_time() {
  if (stop_time_passed_) return;
  stop_time_passed_ = true;
  parts_.console.complain("The stop time has been passed. Stopping all tests.\n");
}

TestOutput::Tell Run::teller(const Test& test) {
  if (!parts_.console.is_verbose()) return {};
  return [this, &test](const std::string& text) { parts_.report.tell(test, text); };
}

void Run::show_status() {
  if (!parts_.shows_status) return;
  Progress progress{done_, failed_.size(), parts_.listing.tests.size(), {}};
  for (const Place& place : places_) {
    progress.running.push_back(
        {test_of(place).name, std::chrono::duration_cast<std::chrono::seconds>(
                                  Clock::now() - place.running->started())});
  }
  parts_.console.set_status(client::is_in_foreground(STDOUT_FILENO)
                                ? status_line(progress, client::columns_of(STDOUT_FILENO))
                                : std::string());
}

std::optional<Run::Clock::time_point> Run::next_time() const {
  std::optional<Clock::time_point> next = held_up_until_;
  if (parts_.shows_status) {  // where times are told, in seconds
    const auto soon = Clock::now() + std::chrono::seconds(1);
    next = next ? std::min(*next, soon) : soon;
  }
  const std::size_t lacking = lacking_slots();
  for (const Place& place : places_) {
    const auto time = place.running->next_time();
    if (time && (!next || *time < *next)) next = time;
    const auto passes_on = lacking > 0 ? passes_on_at(place) : std::nullopt;
    if (passes_on && (!next || *passes_on < *next)) next = passes_on;
    if (place.slow_at && (!next || *place.slow_at < *next)) next = place.slow_at;
  }
  return next;
}

bool Run::wait() {
  std::vector<pollfd> watched{{parts_.executor.fd(), POLLIN, 0},
                              {parts_.interruption.fd(), POLLIN, 0}};
  std::vector<Place*> readers;
  for (Place& place : places_) {
    if (place.running->output_fd() < 0) continue;
    watched.push_back({place.running->output_fd(), POLLIN, 0});
    readers.push_back(&place);
  }
  for (const protocol::Fd& leaked : leaked_) watched.push_back({leaked.get(), POLLIN, 0});
  const auto next = next_time();
  if (poll(watched.data(), watched.size(), next ? protocol::milliseconds_until(*next) : -1) < 0)
    return errno == EINTR;
  if (watched[1].revents != 0) interrupted_by_ = parts_.interruption.take();
  const Clock::time_point now = Clock::now();
  for (std::size_t index = 0; index < readers.size(); ++index) {
    if (watched[2 + index].revents == 0) continue;
    RunningTest& running = *readers[index]->running;
    running.read(now, expressions_, teller(running.test()));
  }
  std::size_t place_in_list = 2 + readers.size();
  for (protocol::Fd& leaked : leaked_) {
    std::array<char, 4096> nobody_cares{};
    if (watched[place_in_list++].revents != 0 &&
        read(leaked.get(), nobody_cares.data(), nobody_cares.size()) <= 0)
      leaked.reset();
  }
  std::erase_if(leaked_, [](const protocol::Fd& leaked) { return !leaked; });
  if (watched[0].revents != 0) take_ended();
  for (Place& place : places_)
    place.running->on_time(now, parts_.executor, teller(place.running->test()));
  warn_of_slow_ones(now);
  return true;
}

void Run::warn_of_slow_ones(Clock::time_point now) {
  for (Place& place : places_) {
    if (!place.slow_at || now < *place.slow_at) continue;
    const Test& test = test_of(place);
    const auto passed = parts_.options.slow_after;
    parts_.console.complain("hearth: test " + std::to_string(test.number) + " (" + test.name +
                            ") has been running for " +
                            std::to_string(static_cast<long>(passed.count())) + " s\n");
    place.slow_at.reset();
  }
}

void Run::take_ended() {
  for (const CommandEnded& ended : parts_.executor.take_ended()) {
    const CommandNumber number = std::visit([](const auto& one) { return one.number; }, ended);
    const auto place = std::find_if(places_.begin(), places_.end(), [&](const Place& candidate) {
      return candidate.running->number() == number;
    });
    if (place != places_.end()) {
      place->running->process_ended(ended, Clock::now());
      continue;
    }
    for (Ahead& ahead : ahead_) {
      if (ahead.number == number) ahead.ended = ended;
    }
  }
}

void Run::finish_what_is_done() {
  for (auto place = places_.begin(); place != places_.end();) {
    const auto next = std::next(place);
    if (place->running->is_finished()) finish(place);
    place = next;
  }
}

}  // namespace hearth::ctest
