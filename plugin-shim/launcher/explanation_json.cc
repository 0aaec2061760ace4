#include <nlohmann/json.hpp>

#include "plugin-shim/launcher/explanation_view.h"

namespace hearth::launcher {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const protocol::StageAccount& account) {
  const protocol::Cause& cause = account.cause;
  return {{"stage", to_string(account.stage)},
          {"cause", to_string(cause.kind)},
          {"subject", cause.subject},
          {"aspect", cause.aspect},
          {"before", cause.before},
          {"after", cause.after},
          {"place", cause.place},
          {"text", sentence(cause)}};
}

Json to_json(const protocol::FlavourAccount& account) {
  Json stages = Json::array();
  for (const auto& each : account.stages) stages.push_back(to_json(each));
  return {{"flavour", to_string(account.flavour)}, {"stages", std::move(stages)}};
}

}  // namespace

std::string explanation_json(const protocol::Explanation& explanation) {
  Json flavours = Json::array();
  for (const auto& each : explanation.flavours) flavours.push_back(to_json(each));
  const Json json{{"found", explanation.found},
                  {"directory", explanation.directory},
                  {"args", explanation.args},
                  {"age_ms", explanation.age_ms},
                  {"flavours", std::move(flavours)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hearth::launcher
