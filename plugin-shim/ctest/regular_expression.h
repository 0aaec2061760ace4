// Regular expressions as ctest understands them: those of Henry Spencer's library, and nothing
// more. Special are ^ $ . [ ] ( ) | ? + * and the backslash, which makes the next character
// ordinary, whatever it is: there are no classes such as \d and no counts such as {2}. ^ and $ are
// the ends of the whole text, and . is any character, also the end of a line.
//
// The only question here is whether there is a match anywhere, so all alternatives are followed at
// once: time is linear in the text, for every expression.
//
// Ours, and no library's, for what makes the dialect is what it refuses, and then never matches
// (`a**`, `(a*)+`, a 32nd group, a range upside down): that takes a parser of our own in any case.
// What a library would save is the hundred lines that follow the alternatives; one that tries them
// in turn, such as PCRE2, needs limits there, and would have to guess once they are reached.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::ctest {

class RegularExpression {
 public:
  // One that makes no sense (`a**`, `(`) is kept, and never matches, as in ctest.
  explicit RegularExpression(std::string_view pattern);

  bool is_valid() const { return valid_; }
  // Looks at the text up to its first zero byte.
  bool matches(std::string_view text) const;

  using Characters = std::bitset<256>;
  enum class Operation : std::uint8_t { characters, begin, end, fork, jump, found };
  struct Instruction {
    Operation operation = Operation::found;
    std::uint32_t first = 0;   // fork, jump: where to go on; characters: which set
    std::uint32_t second = 0;  // fork
  };

 private:
  bool matches_program(std::string_view text) const;

  bool valid_ = true;
  bool is_literal_ = false;  // then it is a search for literal_
  std::string literal_;
  std::vector<Instruction> program_;
  std::vector<Characters> sets_;
  Characters first_;  // what a match can begin with, if it cannot be empty or bound to an end
  bool has_first_ = false;
};

}  // namespace hearth::ctest
