#include "plugin-shim/launcher/diagnosis_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "plugin-shim/launcher/explanation_view.h"
#include "plugin-shim/launcher/table.h"

namespace hearth::launcher {
namespace {

using Json = nlohmann::ordered_json;

std::string often(const protocol::Complaint& complaint) {
  return complaint.times == 0 ? "" : ", in " + std::to_string(complaint.times) + " runs";
}

}  // namespace

std::string diagnosis_text(const protocol::Diagnosis& diagnosis) {
  if (diagnosis.complaints.empty()) return "nothing keeps this project's runs from being warm\n";
  std::string text;
  std::size_t width = 0;
  for (const auto& each : diagnosis.complaints)
    width = std::max(width, to_string(each.stage).size());
  for (const auto& each : diagnosis.complaints) {
    const std::string stage(to_string(each.stage));
    text += stage + std::string(width - stage.size() + 2, ' ') +
            one_line(sentence(each.cause) + often(each)) + "\n" + std::string(width + 2, ' ') +
            one_line(advice(each.cause)) + "\n";
  }
  return text;
}

std::string diagnosis_json(const protocol::Diagnosis& diagnosis) {
  Json complaints = Json::array();
  for (const auto& each : diagnosis.complaints) {
    complaints.push_back({{"stage", to_string(each.stage)},
                          {"cause", to_string(each.cause.kind)},
                          {"subject", each.cause.subject},
                          {"aspect", each.cause.aspect},
                          {"before", each.cause.before},
                          {"after", each.cause.after},
                          {"place", each.cause.place},
                          {"times", each.times},
                          {"text", sentence(each.cause)},
                          {"advice", advice(each.cause)}});
  }
  const Json json{{"found", diagnosis.found}, {"complaints", std::move(complaints)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hearth::launcher
