// XML with ctest's layout: tabs, an element with content on one line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::ctest {

class XmlWriter {
 public:
  XmlWriter() : text_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>") {}

  void start(const char* name);
  // Of the element that was started last.
  void attribute(std::string_view name, std::string_view value);
  // Its attributes stand on lines of their own from here on.
  void break_attributes() { breaks_ = true; }
  void content(std::string_view text);
  void end();
  void element(const char* name, std::string_view text) {
    start(name);
    content(text);
    end();
  }

  // All elements have ended.
  std::string release() && { return std::move(text_) + "\n"; }

 private:
  void close_tag();
  void new_line(std::size_t depth);

  std::string text_;
  std::vector<const char*> open_;
  bool tag_is_open_ = false;
  bool has_content_ = false;
  bool breaks_ = false;
};

// What may not stand in XML is named instead, as in ctest.
std::string xml_safe(std::string_view text, bool in_attribute);

}  // namespace hearth::ctest
