#include "daemon/command_run.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/zygote_pool.h"

namespace hearth::daemon {
namespace {

// Far more than are ordered ahead.
constexpr std::size_t remembered_exits = 1024;

// No command that somebody typed has one; the functions of the C library would see half of it.
bool has_zero_byte(const protocol::StartCommand& order) {
  const auto has = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  return has(order.program) || has(order.directory) ||
         std::any_of(order.argv.begin(), order.argv.end(), has) ||
         std::any_of(order.environment.begin(), order.environment.end(), has);
}

bool makes_sense(const protocol::StartCommand& order, std::size_t descriptors) {
  return order.program.starts_with('/') && !order.argv.empty() && !has_zero_byte(order) &&
         (order.directory.empty() || order.directory.starts_with('/')) &&
         order.descriptors.size() >= descriptors &&
         (descriptors > 0 || order.descriptors.empty()) &&
         std::all_of(order.descriptors.begin(), order.descriptors.end(),
                     [](std::uint64_t number) { return number < 1U << 20; });
}

// More than any machine has.
std::uint32_t capped(std::uint64_t slots) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(slots, 1U << 20));
}

}  // namespace

CommandRun::~CommandRun() {
  // Those that were ordered ahead before those whose ends would begin them.
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) pool_.abandon(job->second);
  for (const auto& [number, job] : std::exchange(jobs_, {})) uncount(number);
  if (!is_borrower_) return;
  services_.dispatcher.set_executor(id_, nullptr);
  services_.dispatcher.post(scheduler::RunCancelled{id_});
}

bool CommandRun::received(protocol::Received received) {
  if (auto* order = std::get_if<protocol::StartCommand>(&received.message))
    return start_command(std::move(*order), std::move(received.descriptors));
  if (const auto* wanted = std::get_if<protocol::SignalCommand>(&received.message)) {
    const auto job = jobs_.find(wanted->number);
    if (job != jobs_.end())
      pool_.signal(job->second, static_cast<int>(wanted->signal), wanted->whole_tree);
    return wanted->signal > 0 && wanted->signal <= 64;
  }
  if (const auto* wish = std::get_if<protocol::WantSlots>(&received.message)) {
    want_slots(wish->slots);
    return true;
  }
  if (const auto* given_back = std::get_if<protocol::ReturnSlots>(&received.message)) {
    return return_slots(given_back->slots);
  }
  return false;
}

void CommandRun::want_slots(std::uint64_t slots) {
  const bool is_first = !std::exchange(is_borrower_, true);
  if (is_first) {
    services_.dispatcher.set_executor(id_, this);
    client_watch_.watch(client_);
  }
  services_.dispatcher.post(
      scheduler::SlotsWanted{id_, capped(slots), is_first && services_.is_inside()});
}

bool CommandRun::return_slots(std::uint64_t slots) {
  if (slots > lent_) return false;
  lent_ -= static_cast<std::uint32_t>(slots);
  services_.dispatcher.post(scheduler::SlotsReturned{id_, static_cast<std::uint32_t>(slots)});
  return true;
}

void CommandRun::execute(const scheduler::Command& command) {
  if (const auto* lent = std::get_if<scheduler::LendSlots>(&command.action)) {
    lent_ += lent->slots;
    listener_.send_beside_streams(id_, protocol::LendSlots{lent->slots});
  } else if (std::holds_alternative<scheduler::AskBackSlot>(command.action)) {
    for (const auto& [number, job] : jobs_) pool_.withdraw(job);
    listener_.send_beside_streams(id_, protocol::AskBackSlot{});
  }
}

bool CommandRun::start_command(protocol::StartCommand order,
                               std::vector<protocol::Fd> descriptors) {
  if (!makes_sense(order, descriptors.size()) || jobs_.contains(order.number)) return false;
  NativePool::Job job;
  for (const auto other : order.behind) {
    const auto before = job_of(other);
    if (!before) {
      listener_.send_beside_streams(id_, protocol::CommandWithdrawn{order.number});
      return true;
    }
    job.behind.push_back(*before);
  }
  job.key.program = std::move(order.program);
  job.key.name = order.argv.front();
  job.key.directory = order.directory.empty() ? spec_.directory : std::move(order.directory);
  job.key.environment =
      order.has_environment ? SharedEnvironment(std::move(order.environment)) : environment_;
  job.key.umask = spec_.umask;
  job.key.context = spec_.context;
  Streams streams;  // as far as they are there, for a look
  for (std::size_t i = 0; i < order.descriptors.size(); ++i) {
    const auto& attached = descriptors[std::min(i, descriptors.size() - 1)];
    if (order.descriptors[i] < streams.size())
      streams[order.descriptors[i]] = protocol::Fd(attached.get());
  }
  job.key.shape = shape_of(streams);
  for (auto& stream : streams) [[maybe_unused]] const int theirs = stream.release();
  job.argv = std::move(order.argv);
  job.numbers = std::move(order.descriptors);
  job.descriptors = std::move(descriptors);
  job.beside = order.beside;
  const auto number = order.number;
  job.answer = [this, number, program = job.key.program,
                alive = std::weak_ptr(alive_)](const NativePool::Answer& answer) {
    if (!alive.expired()) answered(number, program, answer);
  };
  count(number);
  jobs_.emplace(number, pool_.start(std::move(job)));
  return true;
}

std::optional<NativePool::JobId> CommandRun::job_of(std::uint64_t number) const {
  for (const auto* jobs : {&jobs_, &exited_}) {
    const auto job = jobs->find(number);
    if (job != jobs->end()) return job->second;
  }
  return std::nullopt;
}

void CommandRun::answered(std::uint64_t number, const std::string& program,
                          const NativePool::Answer& answer) {
  auto job = jobs_.extract(number);
  if (std::holds_alternative<protocol::CommandExited>(answer)) {
    exited_.insert(std::move(job));
    if (exited_.size() > remembered_exits) exited_.erase(exited_.begin());
  }
  uncount(number);
  if (std::holds_alternative<protocol::CommandWithdrawn>(answer))
    return listener_.send_beside_streams(id_, protocol::CommandWithdrawn{number});
  protocol::Cause cause{protocol::CauseKind::served, {}, {}, {}, {}, program};
  if (const auto* refused = std::get_if<protocol::CommandRefused>(&answer)) {
    cause.kind = protocol::CauseKind::refused;
    cause.subject = refused->reason;
  }
  services_.pool.explanations().add_command(spec_, std::move(cause));
  if (const auto* exited = std::get_if<protocol::CommandExited>(&answer)) {
    auto theirs = *exited;
    theirs.number = number;
    listener_.send_beside_streams(id_, theirs);
  } else {
    auto theirs = std::get<protocol::CommandRefused>(answer);
    theirs.number = number;
    listener_.send_beside_streams(id_, theirs);
  }
}

void CommandRun::client_gone() { listener_.run_ended(id_); }

void CommandRun::kill(const std::string& /*reason*/) { listener_.run_ended(id_); }

// The scheduler knows runs; a command is one of its own there, beyond the numbers of real ones.
void CommandRun::count(std::uint64_t number) {
  if (is_borrower_) return;
  services_.dispatcher.post(
      scheduler::SessionStarted{scheduler::RunId{(id_.value << 32U) | (number & 0xffffffffU)}});
}

void CommandRun::uncount(std::uint64_t number) {
  services_.dispatcher.post(
      scheduler::SessionEnded{scheduler::RunId{(id_.value << 32U) | (number & 0xffffffffU)}});
}

}  // namespace hearth::daemon
