#include "daemon/stage_memory.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "daemon/environment_reads.h"
#include "protocol/signature.h"

namespace hearth::daemon {
namespace {

using protocol::Cause;
using protocol::CauseKind;
using protocol::Finding;
using protocol::Stage;

constexpr std::size_t remembered_commands = 64;

template <typename Entry>
void remember(std::deque<Entry>& entries, Entry entry) {
  entries.push_front(std::move(entry));
  if (entries.size() > remembered_commands) entries.pop_back();
}

template <typename Entry>
const Cause* find(const std::deque<Entry>& entries, const Command& command) {
  const auto it = std::find_if(entries.begin(), entries.end(),
                               [&](const Entry& each) { return each.command == command; });
  return it == entries.end() ? nullptr : &it->cause;
}

Cause cause_of(CauseKind kind, const Finding& finding) {
  std::string place;
  if (!finding.file.empty()) place = fmt::format("{}:{}", finding.file, finding.line);
  return {kind, finding.what, finding.kind, {}, {}, std::move(place)};
}

Cause cause_of_refusal(const Zygote& zygote) {
  if (zygote.ready().refusal.empty()) return cause_of_serving_once(zygote);
  for (const auto& finding : zygote.findings()) {
    if (finding.consequence == protocol::Consequence::refused)
      return cause_of(CauseKind::refused, finding);
  }
  return {CauseKind::refused, zygote.ready().refusal, "recorder", {}, {}, {}};
}

std::optional<protocol::FileSignature> source_of(const Finding& finding) {
  if (finding.file.empty()) return std::nullopt;
  return protocol::take_signature(finding.file, protocol::Look::content);
}

// Whether the user has one thing to do about both. What refuses a stage is there in the next one,
// too, with other numbers and addresses.
bool is_one_thing(const Cause& a, const Cause& b) {
  const bool is_alike = a.kind == b.kind && a.aspect == b.aspect && a.place == b.place;
  return is_alike && (a.subject == b.subject || !a.place.empty() || a.kind == CauseKind::refused);
}

// The command of all its stages from `configured` on.
StageKey key_for_all_stages(StageKey key) {
  key.stage = Stage::configured;
  return key;
}

}  // namespace

Cause cause_of_serving_once(const Zygote& zygote) {
  return cause_of(CauseKind::serves_once, *zygote.serves_once_for());
}

void StageMemory::reached(const Zygote& zygote) {
  const auto command = zygote.command();
  std::erase_if(serving_once_, [&](const Remark& each) { return each.command == command; });
  if (const auto* finding = zygote.serves_once_for())
    remember(serving_once_, {command, cause_of_serving_once(zygote), source_of(*finding)});
  std::erase_if(misdeclared_, [&](const Remark& each) { return each.command == command; });
  for (const auto& finding : zygote.findings()) {
    if (finding.kind != "declaration") continue;
    auto cause = cause_of(CauseKind::declaration, finding);
    cause.place = finding.file;  // which line it is, nobody knows
    remember(misdeclared_, {command, std::move(cause), source_of(finding)});
  }
  std::erase_if(endings_, [&](const Ending& each) {
    return each.command == command && each.reads == zygote.whole_reads();
  });
  if (zygote.state() == Zygote::State::refused) refused(zygote);
}

void StageMemory::ended(const Zygote& zygote, Cause cause) {
  remember(endings_, {zygote.command(), zygote.whole_reads(), std::move(cause)});
}

void StageMemory::refused(const Zygote& zygote) {
  auto command = zygote.command();
  auto reads = zygote.whole_reads();
  std::erase_if(refusals_, [&](const Refusal& each) {
    return each.command == command && each.reads == reads;
  });
  remember(refusals_, {std::move(command), std::move(reads),
                       std::make_shared<Trace>(zygote.whole_trace()), cause_of_refusal(zygote)});
}

void StageMemory::preload_does_not_fit(const Zygote& zygote, const std::string& reason) {
  remember(without_preloaded_, {{key_for_all_stages(zygote.key()), zygote.args()},
                                {CauseKind::preload, reason, {}, {}, {}, {}},
                                std::nullopt});
}

const Cause* StageMemory::refusal(Stage stage, const ProcessRequest& request) {
  const auto command = command_of(stage, request);
  const auto it = std::find_if(refusals_.begin(), refusals_.end(), [&](const Refusal& each) {
    return each.command == command && !first_difference(each.reads, stage, request);
  });
  if (it == refusals_.end()) return nullptr;
  if (!it->trace->first_difference()) return &it->cause;
  refusals_.erase(it);
  return nullptr;
}

bool StageMemory::serves_one_process(Stage stage, const ProcessRequest& request) const {
  const auto command = command_of(stage, request);
  return find(serving_once_, command) || find(refusals_, command);
}

const Cause* StageMemory::serves_once(Stage stage, const ProcessRequest& request) const {
  return find(serving_once_, command_of(stage, request));
}

std::vector<protocol::Complaint> StageMemory::complaints(const std::string& directory) {
  const auto is_settled = [](Remark& each) {
    return each.source && !protocol::holds(*each.source);
  };
  for (auto* remarks : {&serving_once_, &misdeclared_}) std::erase_if(*remarks, is_settled);
  std::erase_if(refusals_,
                [](const Refusal& each) { return each.trace->first_difference().has_value(); });

  std::vector<protocol::Complaint> all;
  const auto add = [&](const auto& remembered, std::optional<Stage> of_stage = std::nullopt) {
    for (const auto& each : remembered) {
      if (!are_of_one_project(each.command.key.spec.directory, directory)) continue;
      const auto stage = of_stage.value_or(each.command.key.stage);
      const auto known = std::find_if(all.begin(), all.end(), [&](const auto& complaint) {
        return is_one_thing(complaint.cause, each.cause);
      });
      if (known == all.end()) {
        all.push_back({stage, each.cause, 0});
      } else {
        known->stage = std::min(known->stage, stage);
      }
    }
  };
  add(misdeclared_);
  add(refusals_);
  add(serving_once_);
  add(without_preloaded_, Stage::preloaded);
  return all;
}

const Cause* StageMemory::is_without_preloaded(const ProcessRequest& request) const {
  return find(without_preloaded_, command_of(Stage::configured, request));
}

}  // namespace hearth::daemon
