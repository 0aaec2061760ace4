#include "plugin-shim/ctest/regular_expression.h"

#include <algorithm>
#include <cstddef>

namespace hearth::ctest {
namespace {

using Characters = RegularExpression::Characters;
using Instruction = RegularExpression::Instruction;
using Operation = RegularExpression::Operation;

constexpr std::string_view kSpecial = "^$.[()|?+*\\";
constexpr int kMostGroups = 32;

bool is_repetition(char character) {
  return character == '*' || character == '+' || character == '?';
}

// Recursive descent; each part appends its instructions. Nothing is appended after a failure that
// anybody would look at.
class Compiler {
 public:
  explicit Compiler(std::string_view pattern) : rest_(pattern) {}

  bool compile() {
    bool has_width = false;
    if (!alternatives(has_width) || !rest_.empty()) return false;
    emit(Operation::found);
    return true;
  }

  std::vector<Instruction> program;
  std::vector<Characters> sets;

 private:
  std::uint32_t here() const { return static_cast<std::uint32_t>(program.size()); }

  void emit(Operation operation, std::uint32_t first = 0, std::uint32_t second = 0) {
    program.push_back({operation, first, second});
  }

  // Makes room for one instruction before those from `at` on, which move. Who came to `at` from
  // before it comes to the new one; who came from behind goes on where it did.
  void insert(std::uint32_t at, Instruction added) {
    for (std::uint32_t index = 0; index < here(); ++index) {
      Instruction& instruction = program[index];
      const auto move = [&](std::uint32_t& target) {
        if (target > at || (target == at && index >= at)) ++target;
      };
      if (instruction.operation == Operation::fork) move(instruction.second);
      if (instruction.operation == Operation::fork || instruction.operation == Operation::jump)
        move(instruction.first);
    }
    program.insert(program.begin() + at, added);
  }

  void emit_set(const Characters& set) {
    emit(Operation::characters, static_cast<std::uint32_t>(sets.size()));
    sets.push_back(set);
  }

  bool alternatives(bool& has_width) {
    has_width = true;
    std::vector<std::uint32_t> ends;
    while (true) {
      const std::uint32_t start = here();
      bool branch_has_width = false;
      if (!branch(branch_has_width)) return false;
      has_width = has_width && branch_has_width;
      if (rest_.empty() || rest_.front() != '|') break;
      rest_.remove_prefix(1);
      insert(start, {Operation::fork, start + 1, here() + 2});
      ends.push_back(here());
      emit(Operation::jump, here());
    }
    for (const std::uint32_t end : ends) program[end].first = here();
    return true;
  }

  bool branch(bool& has_width) {
    has_width = false;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      bool piece_has_width = false;
      if (!piece(piece_has_width)) return false;
      has_width = has_width || piece_has_width;
    }
    return true;
  }

  bool piece(bool& has_width) {
    const std::uint32_t start = here();
    if (!atom(has_width)) return false;
    if (rest_.empty() || !is_repetition(rest_.front())) return true;
    const char repetition = rest_.front();
    if (!has_width && repetition != '?') return false;
    rest_.remove_prefix(1);
    if (repetition == '+') {
      emit(Operation::fork, start, here() + 1);
    } else if (repetition == '?') {
      insert(start, {Operation::fork, start + 1, here() + 1});
    } else {
      insert(start, {Operation::fork, start + 1, here() + 2});
      emit(Operation::jump, start);
    }
    has_width = repetition == '+';
    return rest_.empty() || !is_repetition(rest_.front());
  }

  bool atom(bool& has_width) {
    const char character = rest_.front();
    rest_.remove_prefix(1);
    has_width = character != '^' && character != '$';
    switch (character) {
      case '^':
        emit(Operation::begin);
        return true;
      case '$':
        emit(Operation::end);
        return true;
      case '.':
        emit_set(Characters().set());
        return true;
      case '[':
        return set_of_characters();
      case '(':
        return group(has_width);
      case '\\': {
        if (rest_.empty()) return false;
        emit_one(rest_.front());
        rest_.remove_prefix(1);
        return true;
      }
      default:
        if (is_repetition(character)) return false;
        emit_one(character);
        return true;
    }
  }

  void emit_one(char character) {
    Characters set;
    set.set(static_cast<unsigned char>(character));
    emit_set(set);
  }

  bool group(bool& has_width) {
    if (++groups_ >= kMostGroups) return false;
    if (!alternatives(has_width) || rest_.empty()) return false;
    rest_.remove_prefix(1);  // what ends alternatives is a closing parenthesis
    return true;
  }

  // The backslash is an ordinary character here.
  bool set_of_characters() {
    Characters set;
    const bool inverted = !rest_.empty() && rest_.front() == '^';
    if (inverted) rest_.remove_prefix(1);
    unsigned char last = 0;
    const auto take = [&] {
      last = static_cast<unsigned char>(rest_.front());
      set.set(last);
      rest_.remove_prefix(1);
    };
    if (!rest_.empty() && (rest_.front() == ']' || rest_.front() == '-')) take();
    while (!rest_.empty() && rest_.front() != ']') {
      if (rest_.front() != '-' || rest_.size() < 2 || rest_[1] == ']') {
        take();
        continue;
      }
      const unsigned upper = static_cast<unsigned char>(rest_[1]);
      if (last > upper) return false;
      for (unsigned value = last; value <= upper; ++value) set.set(value);
      last = static_cast<unsigned char>(upper);
      rest_.remove_prefix(2);
    }
    if (rest_.empty()) return false;
    rest_.remove_prefix(1);
    emit_set(inverted ? ~set : set);
    return true;
  }

  std::string_view rest_;
  int groups_ = 0;
};

// Places in the program, each at most once, in the order in which they were reached.
class Places {
 public:
  explicit Places(std::size_t size) : at_(size) { order_.reserve(size); }
  bool add(std::uint32_t place) {
    const std::uint32_t index = at_[place];
    if (index < order_.size() && order_[index] == place) return false;
    at_[place] = static_cast<std::uint32_t>(order_.size());
    order_.push_back(place);
    return true;
  }
  void clear() { order_.clear(); }
  const std::vector<std::uint32_t>& all() const { return order_; }

 private:
  std::vector<std::uint32_t> at_;  // of a place: its index in order_, if it is there
  std::vector<std::uint32_t> order_;
};

// Adds `place` and all that can be reached from it without a character. True: a match is among it.
bool reach(const std::vector<Instruction>& program, std::uint32_t place, bool at_begin, bool at_end,
           Places& places) {
  std::vector<std::uint32_t> open{place};
  while (!open.empty()) {
    const std::uint32_t next = open.back();
    open.pop_back();
    if (!places.add(next)) continue;
    const Instruction& instruction = program[next];
    switch (instruction.operation) {
      case Operation::found:
        return true;
      case Operation::fork:
        open.push_back(instruction.second);
        open.push_back(instruction.first);
        break;
      case Operation::jump:
        open.push_back(instruction.first);
        break;
      case Operation::begin:
        if (at_begin) open.push_back(next + 1);
        break;
      case Operation::end:
        if (at_end) open.push_back(next + 1);
        break;
      case Operation::characters:
        break;
    }
  }
  return false;
}

}  // namespace

RegularExpression::RegularExpression(std::string_view pattern) {
  pattern = pattern.substr(0, pattern.find('\0'));
  if (pattern.find_first_of(kSpecial) == std::string_view::npos) {
    is_literal_ = true;
    literal_ = pattern;
    return;
  }
  Compiler compiler(pattern);
  valid_ = compiler.compile();
  if (!valid_) return;
  program_ = std::move(compiler.program);
  sets_ = std::move(compiler.sets);
  // With both ends taken for true, whatever a match can begin with is reached.
  Places places(program_.size());
  if (reach(program_, 0, true, true, places)) return;
  has_first_ = true;
  for (const std::uint32_t place : places.all()) {
    if (program_[place].operation == Operation::characters) first_ |= sets_[program_[place].first];
  }
}

bool RegularExpression::matches(std::string_view text) const {
  if (!valid_) return false;
  text = text.substr(0, text.find('\0'));
  return is_literal_ ? text.find(literal_) != std::string_view::npos : matches_program(text);
}

bool RegularExpression::matches_program(std::string_view text) const {
  Places now(program_.size());
  Places next(program_.size());
  for (std::size_t position = 0;; ++position) {
    const bool at_end = position == text.size();
    if (now.all().empty() && has_first_ && !at_end) {
      const auto* const found = std::find_if(
          text.begin() + position, text.end(),
          [this](char character) { return first_.test(static_cast<unsigned char>(character)); });
      if (found == text.end()) return false;
      position = static_cast<std::size_t>(found - text.begin());
    }
    if (reach(program_, 0, position == 0, at_end, now)) return true;
    if (at_end) return false;
    next.clear();
    const auto character = static_cast<unsigned char>(text[position]);
    for (const std::uint32_t place : now.all()) {
      const Instruction& instruction = program_[place];
      if (instruction.operation == Operation::characters &&
          sets_[instruction.first].test(character) &&
          reach(program_, place + 1, false, position + 1 == text.size(), next))
        return true;
    }
    std::swap(now, next);
  }
}

}  // namespace hearth::ctest
