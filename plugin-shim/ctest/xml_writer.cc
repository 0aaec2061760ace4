#include "plugin-shim/ctest/xml_writer.h"

#include <cstdint>
#include <cstdio>
#include <utility>

namespace hearth::ctest {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  // 0: this is not UTF-8
};

Character decode(std::string_view text) {
  const auto byte = [&](std::size_t index) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[index]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
  std::uint32_t code = first & (0xFFU >> (size + 1));
  for (std::size_t index = 1; index < size; ++index) {
    if ((byte(index) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(index) & 0x3F);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[size] || code > 0x10FFFF || is_surrogate) return {};
  return {code, size};
}

std::string named(const char* what, std::uint32_t code) {
  char text[64];
  std::snprintf(text, sizeof text, "[%s-0x%X]", what, code);
  return text;
}

}  // namespace

std::string xml_safe(std::string_view text, bool in_attribute) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const Character character = decode(text);
    const std::uint32_t code = character.code;
    if (character.size == 0) {
      safe += named("NON-UTF-8-BYTE", static_cast<unsigned char>(text.front()));
    } else if (code == '&') {
      safe += "&amp;";
    } else if (code == '<') {
      safe += "&lt;";
    } else if (code == '>') {
      safe += "&gt;";
    } else if (code == '"' && in_attribute) {
      safe += "&quot;";
    } else if (code == '\'' && in_attribute) {
      safe += "&apos;";
    } else if ((code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0xFFFE ||
               code == 0xFFFF) {
      safe += named("NON-XML-CHAR", code);
    } else if (code != '\r') {
      safe += text.substr(0, character.size);
    }
    text.remove_prefix(character.size == 0 ? 1 : character.size);
  }
  return safe;
}

void XmlWriter::new_line(std::size_t depth) {
  text_ += '\n';
  text_.append(depth, '\t');
}

void XmlWriter::close_tag() {
  if (!tag_is_open_) return;
  if (breaks_) new_line(open_.size());
  text_ += '>';
  tag_is_open_ = false;
  breaks_ = false;
}

void XmlWriter::start(const char* name) {
  close_tag();
  new_line(open_.size());
  text_ += '<';
  text_ += name;
  open_.push_back(name);
  tag_is_open_ = true;
  has_content_ = false;
}

void XmlWriter::attribute(std::string_view name, std::string_view value) {
  if (breaks_) {
    new_line(open_.size());
  } else {
    text_ += ' ';
  }
  text_.append(name).append("=\"").append(xml_safe(value, true)).append("\"");
}

void XmlWriter::content(std::string_view text) {
  close_tag();
  text_ += xml_safe(text, false);
  has_content_ = true;
}

void XmlWriter::end() {
  const char* const name = open_.back();
  open_.pop_back();
  if (tag_is_open_) {
    text_ += "/>";
    tag_is_open_ = false;
    breaks_ = false;
  } else {
    if (!has_content_) new_line(open_.size());
    text_.append("</").append(name).append(">");
  }
  has_content_ = false;
}

}  // namespace hearth::ctest
