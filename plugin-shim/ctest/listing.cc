#include "plugin-shim/ctest/listing.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <memory>
#include <sstream>
#include <system_error>

#include "plugin-shim/ctest/inquiry.h"
#include "plugin-shim/ctest/regular_expression.h"
#include "plugin-shim/ctest/test_list_json.h"
#include "plugin-shim/ctest/unlisted_properties.h"

namespace hearth::ctest {
namespace {

namespace fs = std::filesystem;

// Keeps LastTest.log as it was when this was made.
class LogKeeper {
 public:
  explicit LogKeeper(const fs::path& directory)
      : log_(directory / "Testing" / "Temporary" / "LastTest.log"),
        kept_(log_.string() + ".kept-by-hearth-" + std::to_string(getpid())) {
    std::error_code error;
    fs::create_hard_link(log_, kept_, error);  // ctest replaces the file, it does not write to it
    is_kept_ = !error;
    if (error && fs::exists(log_, error)) {
      fs::copy_file(log_, kept_, error);
      is_kept_ = !error;
    } else if (!is_kept_) {
      was_there_ = false;
    }
  }
  ~LogKeeper() {
    std::error_code error;
    if (is_kept_) fs::rename(kept_, log_, error);
    fs::remove(kept_, error);  // rename leaves it where ctest has not replaced the log
    if (!was_there_) fs::remove(log_, error);
  }
  LogKeeper(const LogKeeper&) = delete;
  LogKeeper& operator=(const LogKeeper&) = delete;

 private:
  fs::path log_;
  fs::path kept_;
  bool is_kept_ = false;
  bool was_there_ = true;
};

std::vector<std::string> command_of(const ListingRequest& request, const char* what) {
  std::vector<std::string> command{request.ctest.string(), what};
  command.insert(command.end(), request.configuration.begin(), request.configuration.end());
  return command;
}

std::unique_ptr<LogKeeper> keeper_for(const ListingRequest& request, const Inquiry& inquiry) {
  return inquiry.is_answered() ? nullptr : std::make_unique<LogKeeper>(request.directory);
}

tl::expected<Captured, std::string> ask(const ListingRequest& request,
                                        const std::vector<std::string>& command) {
  Inquiry inquiry(command);
  const auto keeper = keeper_for(request, inquiry);
  if (const auto begun = inquiry.begin(); !begun) return tl::unexpected(begun.error());
  return inquiry.wait();
}

std::string lines_that_begin(std::string_view with, const std::string& text) {
  std::string found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(with)) found += line + "\n";
  }
  return found;
}

// Of its library, on expressions that make no sense.
std::string remarks_of(const std::string& text) {
  return lines_that_begin("RegularExpression::compile()", text);
}

// From "Added setup test …" to "Added 1 tests to meet fixture requirements".
std::string fixture_lines_of(const std::string& text) {
  constexpr std::string_view kBefore = "Updating test list for fixtures\n";
  constexpr std::string_view kLast = " tests to meet fixture requirements\n";
  const auto begin = text.find(kBefore);
  const auto end = text.find(kLast);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return text.substr(begin + kBefore.size(), end + kLast.size() - begin - kBefore.size());
}

// Those of `all` that `ctest -N` names.
tl::expected<std::vector<Test>, std::string> select(const ListingRequest& request,
                                                    const std::vector<Test>& all,
                                                    Listing& listing) {
  std::vector<std::string> command = command_of(request, "-N");
  command.insert(command.begin() + 1, request.selection.begin(), request.selection.end());
  if (request.verbose) command.insert(command.begin() + 1, "-V");
  const auto answer = ask(request, command);
  if (!answer) return tl::unexpected(answer.error());
  const Captured& captured = *answer;
  listing.warnings = captured.errors;
  listing.ignored_lines = lines_that_begin("Ignore test: ", captured.output);
  listing.fixture_lines = fixture_lines_of(captured.output);
  const auto project = std::min(captured.output.find("Test project "), captured.output.size());
  listing.early_remarks = remarks_of(captured.output.substr(0, project));
  listing.remarks = remarks_of(captured.output.substr(project));
  if (captured.wait_status != 0) return tl::unexpected(std::string());
  std::vector<Test> selected;
  for (const auto& [number, name] : numbers_of(captured.output)) {
    const auto index = static_cast<std::size_t>(number) - 1;
    if (index >= all.size() || (name != all[index].name && name != all[index].name + " (Disabled)"))
      return tl::unexpected(std::string("its lists of tests do not agree"));
    selected.push_back(all[index]);
    selected.back().number = number;
  }
  return selected;
}

// ctest leaves tests out of its list for machines that this configuration does not have, and counts
// them all the same: then the numbers that it tells people are others.
tl::expected<void, std::string> has_all_tests(const ListingRequest& request,
                                              const std::vector<Test>& listed) {
  if (word_in_scripts(request.directory, {"NOT_AVAILABLE"}).empty()) return {};
  const auto answer = ask(request, command_of(request, "-N"));
  if (!answer) return tl::unexpected(answer.error());
  if (answer->wait_status != 0) return tl::unexpected(std::string());
  if (numbers_of(answer->output).size() != listed.size())
    return tl::unexpected(std::string("tests that this configuration does not have"));
  return {};
}

// Tests without a command get what ctest says about it.
void ask_for_missing(const ListingRequest& request, std::vector<Test>& tests) {
  std::string numbers;
  for (const Test& test : tests) {
    if (test.command.empty()) numbers += "," + std::to_string(test.number);
  }
  if (numbers.empty()) return;
  std::vector<std::string> command = command_of(request, "-N");
  std::vector<std::string> words{"-V", "-I", "0,0,0" + numbers};
  if (!request.never.empty()) words.insert(words.end(), {"-E", request.never});
  command.insert(command.begin() + 1, words.begin(), words.end());
  const auto answer = ask(request, command);
  if (answer) explain_missing(answer->output, tests);
}

}  // namespace

Version version_of(std::string_view text) {
  const auto digit = std::find_if(text.begin(), text.end(), [](char character) {
    return std::isdigit(static_cast<unsigned char>(character)) != 0;
  });
  Version version;
  const char* const end = text.data() + text.size();
  const char* at = text.data() + (digit - text.begin());
  at = std::from_chars(at, end, version.major).ptr;
  if (at != end && *at == '.') std::from_chars(at + 1, end, version.minor);
  return version;
}

std::vector<std::pair<int, std::string>> numbers_of(std::string_view text) {
  std::vector<std::pair<int, std::string>> numbers;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  Test ")) continue;
    const auto hash = line.find('#');
    const auto colon = line.find(": ");
    if (hash == std::string::npos || colon == std::string::npos || colon < hash) continue;
    numbers.emplace_back(std::atoi(line.c_str() + hash + 1), line.substr(colon + 2));
  }
  return numbers;
}

void explain_missing(std::string_view text, std::vector<Test>& tests) {
  constexpr std::string_view kBegin = "Could not find executable ";
  constexpr std::string_view kEnd = ": Test command: ";
  std::map<int, Test*> by_number;
  for (Test& test : tests) by_number[test.number] = &test;
  std::istringstream lines{std::string(text)};
  std::string explanation;
  std::string executable;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kBegin)) {
      executable = line.substr(kBegin.size());
      explanation = line + "\n";
      continue;
    }
    if (explanation.empty()) continue;
    const auto end = line.find(kEnd);
    if (end != std::string::npos && std::isdigit(static_cast<unsigned char>(line[0])) != 0) {
      const auto found = by_number.find(std::atoi(line.c_str()));
      if (found != by_number.end() && found->second->command.empty()) {
        found->second->missing_executable = executable;
        found->second->missing_explanation = explanation;
        found->second->missing_arguments = line.substr(end + kEnd.size());
      }
      explanation.clear();
    } else if (!line.empty()) {
      explanation += line + "\n";
    }
  }
}

void find_lonely_programs(std::vector<Test>& tests) {
  std::map<std::string, int> counts;
  for (const Test& test : tests) {
    if (!test.command.empty()) ++counts[test.command.front()];
  }
  for (Test& test : tests)
    test.is_alone_of_its_program = !test.command.empty() && counts[test.command.front()] == 1;
}

void find_required_successes(std::vector<Test>& tests) {
  std::map<std::string, std::vector<std::string>> setups;
  for (const Test& test : tests) {
    for (const std::string& fixture : test.fixtures_setup) setups[fixture].push_back(test.name);
  }
  for (Test& test : tests) {
    if (test.disabled) continue;
    for (const std::string& fixture : test.fixtures_required) {
      if (const auto found = setups.find(fixture); !fixture.empty() && found != setups.end()) {
        test.required_successes.insert(test.required_successes.end(), found->second.begin(),
                                       found->second.end());
      }
    }
  }
}

tl::expected<Listing, std::string> list_tests(const ListingRequest& request) {
  Inquiry versions({request.ctest.string(), "--version"});
  Inquiry json(command_of(request, "--show-only=json-v1"));
  auto keeper = keeper_for(request, json);
  const auto versions_begun = versions.begin();
  const auto json_begun = json.begin();
  if (request.meanwhile) request.meanwhile();
  if (!versions_begun) return tl::unexpected(versions_begun.error());
  const Captured version = versions.wait();
  if (!json_begun) return tl::unexpected(json_begun.error());
  const Captured captured = json.wait();
  keeper.reset();
  Listing listing;
  listing.version = version_of(version.output);
  constexpr std::string_view kVersion = "ctest version ";
  if (!version.output.starts_with(kVersion))
    return tl::unexpected(request.ctest.string() + ", which tells no version");
  listing.version_text =
      version.output.substr(kVersion.size(), version.output.find('\n') - kVersion.size());
  if (listing.version < kOldest)
    return tl::unexpected("ctest " + listing.version_text + ", which is older than 3.16");
  if (captured.wait_status != 0) return tl::unexpected(std::string());  // it says why itself
  // What ctest's library has to say of a wrong expression it says before.
  const auto begin = captured.output.starts_with('{') ? 0 : captured.output.find("\n{");
  if (begin == std::string::npos) return tl::unexpected(std::string("ctest's list of tests"));
  listing.remarks = captured.output.substr(0, begin == 0 ? 0 : begin + 1);
  auto tests = tests_of_json(std::string_view(captured.output).substr(begin));
  if (!tests) return tl::unexpected(tests.error());
  listing.tests = std::move(*tests);
  if (auto complete = has_all_tests(request, listing.tests); !complete)
    return tl::unexpected(complete.error());
  find_lonely_programs(listing.tests);
  listing.warnings = captured.errors;
  if (!request.never.empty()) {
    const RegularExpression never(request.never);
    std::erase_if(listing.tests, [&](const Test& test) { return never.matches(test.name); });
  }
  for (std::size_t index = 0; index < listing.tests.size(); ++index)
    listing.tests[index].number = static_cast<int>(index) + 1;
  listing.registered = listing.tests.size();
  const bool tells_more = request.verbose && request.ignores_tests;
  if (!request.selection.empty() || tells_more) {
    auto selected = select(request, listing.tests, listing);
    if (!selected) return tl::unexpected(selected.error());
    listing.tests = std::move(*selected);
  }
  ask_for_missing(request, listing.tests);
  find_required_successes(listing.tests);
  return listing;
}

}  // namespace hearth::ctest
