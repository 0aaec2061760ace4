#include "plugin-shim/ctest/options.h"

#include <cctype>
#include <cstdlib>
#include <functional>
#include <unordered_map>
#include <utility>

namespace hearth::ctest {
namespace {

enum class Values : std::uint8_t { none, one, maybe };

struct Option {
  Values values = Values::none;
  // False: the real ctest shall see to it, which has the right words.
  std::function<bool(Options&, const std::string& value)> apply;
};

bool is_number(std::string_view text) {
  if (text.empty()) return false;
  for (const char character : text) {
    if (std::isdigit(static_cast<unsigned char>(character)) == 0) return false;
  }
  return true;
}

bool read_count(const std::string& text, std::optional<std::size_t>& count) {
  count.reset();
  if (text.find_first_not_of(" \t") == std::string::npos) return true;
  if (!is_number(text)) return false;
  count = std::strtoul(text.c_str(), nullptr, 10);
  return true;
}

bool read_repeat(Options& options, const std::string& text) {
  static const std::unordered_map<std::string, Repeat> modes{
      {"until-fail", Repeat::until_fail},
      {"until-pass", Repeat::until_pass},
      {"after-timeout", Repeat::after_timeout}};
  const auto colon = text.find(':');
  if (colon == std::string::npos || options.repeat != Repeat::never) return false;
  const auto mode = modes.find(text.substr(0, colon));
  const std::string count = text.substr(colon + 1);
  if (mode == modes.end() || !is_number(count)) return false;
  options.repeat_count = std::atoi(count.c_str());
  if (options.repeat_count > 1) options.repeat = mode->second;
  return true;
}

bool read_truncation(Options& options, const std::string& text) {
  const auto truncation = truncation_of(text);
  if (truncation) options.truncation = *truncation;
  return truncation.has_value();
}

bool read_no_tests(Options& options, const std::string& text) {
  if (text != "error" && text != "ignore") return false;
  options.no_tests = text == "error" ? NoTests::error : NoTests::ignore;
  return true;
}

bool truth(const std::string& text) {
  return text == "1" || text == "ON" || text == "on" || text == "TRUE" || text == "true" ||
         text == "YES" || text == "Y";
}

template <typename Member>
Option flag(Member member, bool value = true) {
  return {Values::none, [member, value](Options& options, const std::string&) {
            options.*member = value;
            return true;
          }};
}

template <typename Member>
Option text(Member member) {
  return {Values::one, [member](Options& options, const std::string& value) {
            options.*member = value;
            return true;
          }};
}

Option number(int Options::*member) {
  return {Values::one, [member](Options& options, const std::string& value) {
            const std::string_view digits =
                std::string_view(value).substr(value.starts_with('-') ? 1 : 0);
            if (!is_number(digits)) return false;
            options.*member = std::atoi(value.c_str());
            return true;
          }};
}

Option seconds(Seconds Options::*member) {
  return {Values::one, [member](Options& options, const std::string& value) {
            options.*member = Seconds(std::atof(value.c_str()));
            return true;
          }};
}

const Option kParallel{Values::maybe, [](Options& options, const std::string& value) {
                         options.has_parallel = true;
                         return read_count(value, options.parallel);
                       }};

using Table = std::unordered_map<std::string, Option>;

// What is passed on to the listing, as it was given.
enum class Passed : std::uint8_t { no, as_configuration, as_selection };

Passed passed(std::string_view name) {
  static const std::unordered_map<std::string_view, Passed> table = [] {
    std::unordered_map<std::string_view, Passed> made;
    for (const char* const selection : {"-R",
                                        "--tests-regex",
                                        "-E",
                                        "--exclude-regex",
                                        "-L",
                                        "--label-regex",
                                        "-LE",
                                        "--label-exclude",
                                        "-FA",
                                        "--fixture-exclude-any",
                                        "-FS",
                                        "--fixture-exclude-setup",
                                        "-FC",
                                        "--fixture-exclude-cleanup",
                                        "-I",
                                        "--tests-information",
                                        "--tests-from-file",
                                        "--exclude-from-file",
                                        "-U",
                                        "--union",
                                        "--rerun-failed"})
      made.emplace(selection, Passed::as_selection);
    for (const char* const configuration :
         {"-C", "--build-config", "--overwrite", "--test-dir", "--build-dir"})
      made.emplace(configuration, Passed::as_configuration);
    return made;
  }();
  const auto found = table.find(name);
  return found == table.end() ? Passed::no : found->second;
}

void add_selection(Table& table) {
  const Option accepted{Values::one, [](Options&, const std::string&) { return true; }};
  for (const char* const name :
       {"-L", "--label-regex", "-LE", "--label-exclude", "-FA", "--fixture-exclude-any", "-FS",
        "--fixture-exclude-setup", "-FC", "--fixture-exclude-cleanup", "-I", "--tests-information",
        "--tests-from-file", "--exclude-from-file", "-C", "--build-config", "--overwrite"})
    table.emplace(name, accepted);
  for (const char* const name : {"-U", "--union", "--rerun-failed"})
    table.emplace(name, Option{Values::none, accepted.apply});
  for (const char* const name : {"-R", "--tests-regex"})
    table.emplace(name, text(&Options::include));
  for (const char* const name : {"-E", "--exclude-regex"})
    table.emplace(name, text(&Options::exclude));
}

void add_run(Table& table) {
  table.emplace("-j", kParallel);
  table.emplace("--parallel", kParallel);
  table.emplace("--test-dir", text(&Options::build_directory));
  table.emplace("--build-dir", text(&Options::build_directory));
  table.emplace("--preset", text(&Options::preset));
  table.emplace("--timeout", seconds(&Options::timeout));
  table.emplace("--stop-time", text(&Options::stop_time));
  table.emplace("--stop-on-failure", flag(&Options::stop_on_failure));
  table.emplace("-F", flag(&Options::go_on));
  table.emplace("--schedule-random", flag(&Options::schedule_random));
  table.emplace("--resource-spec-file", text(&Options::resource_spec_file));
  table.emplace("--test-load", Option{Values::one, [](Options& options, const std::string& value) {
                                        if (!is_number(value)) return false;
                                        options.test_load =
                                            std::strtoul(value.c_str(), nullptr, 10);
                                        return true;
                                      }});
  table.emplace("--repeat", Option{Values::one, read_repeat});
  table.emplace("--repeat-until-fail",
                Option{Values::one, [](Options& options, const std::string& value) {
                         return read_repeat(options, "until-fail:" + value);
                       }});
  table.emplace("--schedule-random-seed",
                Option{Values::one, [](Options& options, const std::string& value) {
                         if (!is_number(value)) return false;
                         options.random_seed =
                             static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
                         return true;
                       }});
  table.emplace("--no-tests", Option{Values::one, read_no_tests});
  table.emplace("--interactive-debug-mode",
                Option{Values::one, [](Options& options, const std::string& value) {
                         options.interactive_debug = truth(value);
                         return true;
                       }});
}

void add_report(Table& table) {
  for (const char* name : {"-V", "--verbose", "-VV", "--extra-verbose"})
    table.emplace(name, flag(&Options::verbose));
  for (const char* name : {"-Q", "--quiet"}) table.emplace(name, flag(&Options::quiet));
  for (const char* name : {"-O", "--output-log"}) table.emplace(name, text(&Options::output_log));
  for (const char* name : {"-W", "--max-width"}) {
    table.emplace(name, Option{Values::one, [](Options& options, const std::string& value) {
                                 options.name_width = std::strtoul(value.c_str(), nullptr, 10);
                                 return true;
                               }});
  }
  table.emplace("--output-on-failure", flag(&Options::output_on_failure));
  table.emplace("--progress", flag(&Options::progress));
  table.emplace("--output-junit", text(&Options::junit_file));
  table.emplace("--no-label-summary", flag(&Options::label_summary, false));
  table.emplace("--no-subproject-summary", flag(&Options::subproject_summary, false));
  table.emplace("--test-output-size-passed", number(&Options::output_size_passed));
  table.emplace("--test-output-size-failed", number(&Options::output_size_failed));
  table.emplace("--test-output-truncation", Option{Values::one, read_truncation});
  table.emplace("--no-compress-output", flag(&Options::compress_output, false));
}

void add_ours(Table& table) {
  table.emplace("--hearth-dist",
                Option{Values::one, [](Options& options, const std::string& value) {
                         if (value != "load" && value != "loadfile") return false;
                         options.distribution =
                             value == "load" ? Distribution::load : Distribution::load_file;
                         return true;
                       }});
  table.emplace("--hearth-slow", seconds(&Options::slow_after));
  table.emplace("--hearth-strict", flag(&Options::strict));
}

const Table& table() {
  static const Table options = [] {
    Table made;
    add_selection(made);
    add_run(made);
    add_report(made);
    add_ours(made);
    return made;
  }();
  return options;
}

// What only tells something, or is another tool altogether: the first option of it settles.
bool only_tells(std::string_view name) {
  for (const std::string_view known :
       {"-N", "--show-only", "--print-labels", "--list-presets", "--help", "-h", "-H", "-help",
        "-usage", "/?", "--version", "-version", "/V", "--help-full", "--help-manual"}) {
    if (name == known) return true;
  }
  return name.starts_with("--help-") || name.starts_with("--show-only=");
}

struct Word {
  std::string name;
  std::optional<std::string> value;  // after `=`, or what is written against -j
};

Word split(const std::string& argument) {
  if (argument.starts_with("-j") && argument.size() > 2 &&
      std::isdigit(static_cast<unsigned char>(argument[2])) != 0)
    return {"-j", argument.substr(2)};
  const auto end = argument.find('=');
  if (end == std::string::npos || !argument.starts_with("-")) return {argument, {}};
  return {argument.substr(0, end), argument.substr(end + 1)};
}

void be_plain(Options& options, std::string reason) {
  options.is_plain = true;
  options.plain_because = std::move(reason);
}

bool is_on(const char* value) { return value != nullptr && *value != '\0'; }

void read_variables(Options& options, const char* (*variable)(const char*)) {
  if (is_on(variable("CTEST_OUTPUT_ON_FAILURE"))) options.output_on_failure = true;
  if (const char* value = variable("CTEST_PROGRESS_OUTPUT"); is_on(value))
    options.progress = std::string_view(value) != "0" && std::string_view(value) != "OFF";
  if (const char* level = variable("CTEST_PARALLEL_LEVEL");
      level != nullptr && !options.has_parallel)
    options.has_parallel = read_count(level, options.parallel);
  if (const char* action = variable("CTEST_NO_TESTS_ACTION");
      is_on(action) && options.no_tests == NoTests::legacy && !read_no_tests(options, action))
    be_plain(options, "CTEST_NO_TESTS_ACTION=" + std::string(action));
}

}  // namespace

std::optional<Truncation> truncation_of(const std::string& name) {
  static const std::unordered_map<std::string, Truncation> modes{
      {"tail", Truncation::tail}, {"middle", Truncation::middle}, {"head", Truncation::head}};
  const auto mode = modes.find(name);
  if (mode == modes.end()) return std::nullopt;
  return mode->second;
}

Options parse_options(const std::vector<std::string>& arguments,
                      const char* (*variable)(const char* name)) {
  Options options;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (only_tells(argument)) {
      be_plain(options, {});
      return options;
    }
    if (argument == "--") {  // what follows is added to every test's command, by the listing
      options.configuration.insert(options.configuration.end(), arguments.begin() + at,
                                   arguments.end());
      break;
    }
    Word word = split(argument);
    std::size_t last = at;
    const auto has_next = [&] { return at + 1 < arguments.size(); };
    if (word.name == "-T" || word.name == "--test-action") {
      if (!word.value && has_next()) word.value = arguments[++last];
      if (word.value != "test" && word.value != "Test") {
        be_plain(options, "-T " + word.value.value_or(""));
        continue;
      }
      options.writes_xml = true;
      at = last;
      continue;
    }
    const auto known = table().find(word.name);
    if (known == table().end()) {
      if (argument.starts_with('-') && !options.is_plain) be_plain(options, argument);
      continue;  // ctest looks at nothing that has no dash
    }
    const Values values = known->second.values;
    if (values == Values::one && !word.value) {
      if (!has_next()) {
        be_plain(options, argument + " without a value");
        continue;
      }
      word.value = arguments[++last];
    }
    if (values == Values::maybe && !word.value && has_next() && !arguments[at + 1].starts_with('-'))
      word.value = arguments[++last];  // what is no number is ctest's to judge
    if (!known->second.apply(options, word.value.value_or("")))
      be_plain(options, word.name + " " + word.value.value_or(""));
    if (const Passed where = passed(word.name); where != Passed::no) {
      auto& list = where == Passed::as_selection ? options.selection : options.configuration;
      list.insert(list.end(), arguments.begin() + at, arguments.begin() + last + 1);
    }
    at = last;
  }
  read_variables(options, variable);
  return options;
}

}  // namespace hearth::ctest
