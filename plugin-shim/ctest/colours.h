// Whether and how ctest colours what it shows: on a terminal, or as the environment says.
#pragma once

#include <string>
#include <string_view>

#include "plugin-shim/ctest/listing.h"

namespace hearth::ctest {

enum class Colour : unsigned char { red = 1, green = 2, yellow = 3, blue = 4 };

using Variable = const char* (*)(const char* name);  // getenv, or another one

class Colours {
 public:
  Colours() = default;  // none
  Colours(Variable variable, Version version);

  // ctest before 4.5 colours a part of a line, later ones the whole with its line's end.
  bool whole_lines() const { return whole_lines_; }
  std::string begin(Colour colour) const;
  std::string end() const;
  std::string paint(Colour colour, std::string_view text) const {
    return begin(colour) + std::string(text) + end();
  }

 private:
  bool on_ = false;
  bool whole_lines_ = false;
};

// Standard output is a terminal that can do more than print.
bool is_capable_terminal(Variable variable);

}  // namespace hearth::ctest
