#include "daemon/plugin_run.h"

#include <utility>
#include <variant>

namespace hearth::daemon {
namespace {

constexpr auto kill_patience = std::chrono::seconds(1);  // from the client's death to SIGKILL

}  // namespace

void PluginRun::start() {
  distribution_ =
      std::make_unique<Distribution>(services_, id_, spec_, std::move(wish_), std::move(streams_),
                                     shows_output_, static_cast<ControllerLink&>(*this));
  distribution_->open();
  client_watch_.watch(client_);
}

void PluginRun::message_received(const protocol::Message& message) {
  distribution_->controller_said(message);
}

void PluginRun::client_gone() {
  if (distribution_->finished()) return;
  distribution_->cancel();
  services_.loop.cancel(kill_timer_);
  kill_timer_ = services_.loop.after(kill_patience, [this] { kill("the client is gone"); });
}

void PluginRun::kill(const std::string& reason) { distribution_->kill(reason); }

void PluginRun::distribution_finished() { listener_.run_ended(id_); }

}  // namespace hearth::daemon
