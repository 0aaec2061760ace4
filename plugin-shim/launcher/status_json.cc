#include <nlohmann/json.hpp>

#include "plugin-shim/launcher/status_view.h"

namespace hearth::launcher {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const protocol::ZygoteStatus& zygote) {
  return {{"pid", zygote.pid},
          {"parent_pid", zygote.parent_pid},
          {"stage", to_string(zygote.stage)},
          {"flavour", to_string(zygote.flavour)},
          {"state", zygote.state},
          {"python", zygote.python},
          {"directory", zygote.directory},
          {"args", zygote.args},
          {"served", zygote.served},
          {"files", zygote.files},
          {"pss_bytes", zygote.pss_bytes},
          {"age_ms", zygote.age_ms}};
}

Json to_json(const protocol::RunStatus& run) {
  return {{"run", run.run},     {"directory", run.directory}, {"args", run.args},
          {"state", run.state}, {"workers", run.workers},     {"slots", run.slots},
          {"items", run.items}, {"finished", run.finished},   {"age_ms", run.age_ms}};
}

template <typename Entry>
Json to_list(const std::vector<Entry>& entries) {
  Json list = Json::array();
  for (const Entry& entry : entries) list.push_back(to_json(entry));
  return list;
}

}  // namespace

std::string status_json(const protocol::Status& status) {
  const Json json{{"version", status.version},
                  {"pid", status.pid},
                  {"uptime_ms", status.uptime_ms},
                  {"slots", status.slots},
                  {"slots_busy", status.slots_busy},
                  {"interpreters_started", status.interpreters_started},
                  {"runs_finished", status.runs_finished},
                  {"log_file", status.log_file},
                  {"zygotes", to_list(status.zygotes)},
                  {"runs", to_list(status.runs)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hearth::launcher
