#include "tests/scheduler/text.h"

#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

namespace hearth::scheduler::text {
namespace {

// The words of a line, options (name=value) apart.
struct Line {
  explicit Line(const std::string& text) : whole(text) {
    std::istringstream stream(text);
    for (std::string word; stream >> word;) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) {
        words.push_back(word);
      } else {
        options[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw std::invalid_argument(why + ": " + whole);
  }

  const std::string& word(std::size_t index) const {
    if (index >= words.size()) fail("too few words");
    return words[index];
  }

  std::uint32_t number(std::size_t index, const std::string& prefix = "") const {
    const std::string& text = word(index);
    if (text.rfind(prefix, 0) != 0) fail("expected " + prefix);
    return static_cast<std::uint32_t>(std::stoul(text.substr(prefix.size())));
  }

  std::optional<std::uint32_t> option(const std::string& name) const {
    const auto place = options.find(name);
    if (place == options.end()) return std::nullopt;
    return static_cast<std::uint32_t>(std::stoul(place->second));
  }

  // Values apart by commas; some may be empty.
  std::vector<std::string> list(const std::string& name) const {
    const auto place = options.find(name);
    std::vector<std::string> values;
    if (place == options.end()) return values;
    std::istringstream stream(place->second);
    for (std::string value; std::getline(stream, value, ',');) values.push_back(value);
    return values;
  }

  RunId run() const { return RunId{number(1, "r")}; }
  WorkerId worker() const { return WorkerId{number(2, "gw")}; }
  ItemId item() const { return ItemId{number(3)}; }

  std::string whole;
  std::vector<std::string> words;
  std::map<std::string, std::string> options;
};

std::vector<std::string> node_ids(const Line& line) {
  std::vector<std::string> ids = line.list("ids");
  if (const auto count = line.option("items")) {
    for (std::uint32_t i = 0; i < *count; ++i)
      ids.push_back("test_it.py::test_" + std::to_string(i));
  }
  int file = 0;
  for (const std::string& size : line.list("files")) {
    for (int i = 0; i < std::stoi(size); ++i) {
      ids.push_back("test_" + std::to_string(file) + ".py::TestIt::test_" + std::to_string(i));
    }
    ++file;
  }
  return ids;
}

Policy policy(const Line& line) {
  static const std::map<std::string, Policy> policies = {{"load", Policy::load},
                                                         {"load_scope", Policy::load_scope},
                                                         {"load_file", Policy::load_file},
                                                         {"load_group", Policy::load_group},
                                                         {"work_steal", Policy::work_steal},
                                                         {"each", Policy::each}};
  const auto place = policies.find(line.word(2));
  if (place == policies.end()) line.fail("unknown policy");
  return place->second;
}

Event parse_run(const Line& line) {
  RunSubmitted run;
  run.run = line.run();
  run.policy = policy(line);
  run.items = node_ids(line);
  run.groups = line.list("groups");
  run.reorder_scopes = line.options.count("order") == 0;
  run.workers = line.option("workers");
  run.auto_workers = line.option("auto").value_or(0);
  run.max_failures = line.option("max_failures");
  run.max_worker_restarts = line.option("max_restarts");
  run.max_chunk = line.option("max_chunk");
  run.max_items_per_worker = line.option("max_items");
  run.isolates_files = line.options.count("isolate") != 0;
  run.judges_lost_items = line.options.count("judges") != 0;
  run.is_inside = line.options.count("inside") != 0;
  return run;
}

std::string name(RunId run) { return " r" + std::to_string(run.value); }
std::string name(WorkerId worker) { return " gw" + std::to_string(worker.value); }
std::string names(const std::vector<ItemId>& items) {
  std::string text;
  for (const ItemId item : items) text += " " + std::to_string(item.value);
  return text;
}

struct Formatter {
  std::string operator()(const StartWorker& c) const {
    return "start_worker" + name(c.run) + name(c.worker) +
           (c.replaces ? " replaces" + name(*c.replaces) : "") +
           (c.succeeds ? " succeeds" + name(*c.succeeds) : "");
  }
  std::string operator()(const AssignItems& c) const {
    return "assign_items" + name(c.run) + name(c.worker) + names(c.items);
  }
  std::string operator()(const RevokeItems& c) const {
    return "revoke_items" + name(c.run) + name(c.worker) + names(c.items);
  }
  std::string operator()(const ResumeWorker& c) const {
    return "resume_worker" + name(c.run) + name(c.worker);
  }
  std::string operator()(const PauseWorker& c) const {
    return "pause_worker" + name(c.run) + name(c.worker);
  }
  std::string operator()(const LendSlots& c) const {
    return "lend_slots" + name(c.run) + " " + std::to_string(c.slots);
  }
  std::string operator()(const AskBackSlot& c) const { return "ask_back_slot" + name(c.run); }
  std::string operator()(const FinishWorker& c) const {
    return "finish_worker" + name(c.run) + name(c.worker);
  }
  std::string operator()(const StopWorker& c) const {
    return "stop_worker" + name(c.run) + name(c.worker);
  }
  std::string operator()(const ReportLostItem& c) const {
    return "report_lost_item" + name(c.run) + name(c.worker) + names({c.item});
  }
  std::string operator()(const ReportRestartsUsedUp& c) const {
    return "report_restarts_used_up" + name(c.run) + name(c.worker);
  }
  std::string operator()(const FinishRun& c) const {
    static const std::map<Outcome, std::string> outcomes = {{Outcome::completed, "completed"},
                                                            {Outcome::max_failures, "max_failures"},
                                                            {Outcome::cancelled, "cancelled"},
                                                            {Outcome::failed, "failed"}};
    return "finish_run" + name(c.run) + " " + outcomes.at(c.outcome) +
           (c.not_executed.empty() ? "" : " not_executed" + names(c.not_executed));
  }
  std::string operator()(const WakeAt& c) const { return "wake_at " + format_time(c.time); }
};

}  // namespace

Event parse_event(const std::string& text) {
  const Line line(text);
  const std::string& kind = line.word(0);
  if (kind == "run_submitted") return parse_run(line);
  if (kind == "session_started") return SessionStarted{line.run()};
  if (kind == "session_ended") return SessionEnded{line.run()};
  if (kind == "slots_wanted")
    return SlotsWanted{line.run(), line.number(2), line.options.count("inside") != 0};
  if (kind == "slots_returned") return SlotsReturned{line.run(), line.number(2)};
  if (kind == "borrower_stopped") return BorrowerStopped{line.run(), true};
  if (kind == "borrower_continued") return BorrowerStopped{line.run(), false};
  if (kind == "worker_started") return WorkerStarted{line.run(), line.worker()};
  if (kind == "item_started") return ItemStarted{line.run(), line.worker(), line.item()};
  if (kind == "item_finished") {
    const auto duration = line.options.find("duration");
    return ItemFinished{
        line.run(), line.worker(), line.item(),
        duration == line.options.end() ? Duration::zero() : parse_time(duration->second),
        line.option("failures").value_or(0)};
  }
  if (kind == "worker_failed") {
    const bool fatal = line.words.size() > 3 && line.words[3] == "fatal";
    return WorkerFailed{line.run(), line.worker(), line.option("failures").value_or(0), fatal};
  }
  if (kind == "worker_paused") return WorkerPaused{line.run(), line.worker()};
  if (kind == "items_revoked") {
    ItemsRevoked event{line.run(), line.worker(), {}};
    for (std::size_t i = 3; i < line.words.size(); ++i)
      event.items.push_back(ItemId{line.number(i)});
    return event;
  }
  if (kind == "worker_exited") {
    const std::string how = line.words.size() > 3 ? line.words[3] : "";
    return WorkerExited{line.run(), line.worker(), how == "finished", how == "overdue"};
  }
  if (kind == "lost_item_judged") {
    const bool again = line.words.size() > 3 && line.words[3] == "again";
    return LostItemJudged{line.run(), ItemId{line.number(2)}, again};
  }
  if (kind == "run_cancelled") return RunCancelled{line.run()};
  if (kind == "slots_changed") return SlotsChanged{line.number(1)};
  if (kind == "time_passed") return TimePassed{};
  line.fail("unknown event");
}

std::string format(const Action& action) { return std::visit(Formatter{}, action); }

std::vector<std::string> format(const std::vector<Command>& commands) {
  std::vector<std::string> lines;
  lines.reserve(commands.size());
  for (const Command& command : commands) lines.push_back(format(command.action));
  return lines;
}

Time parse_time(const std::string& seconds) {
  return Time(static_cast<Time::rep>(std::llround(std::stod(seconds) * 1e9)));
}

std::string format_time(Time time) {
  std::string digits = std::to_string(time.count() % 1'000'000'000);
  digits.insert(0, 9 - digits.size(), '0');
  digits.erase(digits.find_last_not_of('0') + 1);
  return std::to_string(time.count() / 1'000'000'000) + (digits.empty() ? "" : "." + digits);
}

}  // namespace hearth::scheduler::text
