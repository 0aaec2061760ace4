#include "plugin-shim/ctest/status_line.h"

namespace hearth::ctest {
namespace {

// How much of the text fits. What is not ASCII may be two columns wide.
std::size_t fitting(std::string_view text, std::size_t columns) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte & 0xC0U) == 0x80U) continue;  // inside a character
    width += byte < 0x80U ? 1 : 2;
    if (width > columns) return at;
  }
  return text.size();
}

}  // namespace

std::string status_line(const Progress& progress, std::size_t columns) {
  std::string text =
      "hearth: " + std::to_string(progress.done) + " of " + std::to_string(progress.total);
  if (progress.failed > 0) text += ", " + std::to_string(progress.failed) + " failed";
  const char* separator = "; running: ";
  for (const auto& running : progress.running) {
    text.append(separator).append(running.name);
    if (running.time.count() > 0) text += " (" + std::to_string(running.time.count()) + " s)";
    separator = ", ";
  }
  for (char& character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20U || byte == 0x7FU) character = '?';
  }
  text.resize(fitting(text, columns - 1));
  return text;
}

}  // namespace hearth::ctest
