#include "plugin-shim/ctest/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace hearth::ctest {
namespace {

constexpr Version kAllPassedIsShort{4, 4};
constexpr Version kNamesLabels{3, 31};
constexpr Version kErasesFirst{4, 4};

std::size_t digits(std::size_t number) { return std::to_string(number).size(); }

std::string right(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

std::string seconds(Seconds time) {
  char text[48];
  std::snprintf(text, sizeof text, "%6.2f sec", time.count());
  return text;
}

std::string listed(int number, const std::string& what) {
  return right(std::to_string(number), 3) + " - " + what;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

bool did_not_run(const Result& result) {
  return result.verdict.completion.starts_with("SKIP_") || result.verdict.completion == "Disabled";
}

bool has_failed(const Result& result) {
  return result.verdict.status != Status::completed && !did_not_run(result);
}

std::string Report::dotted(const std::string& name, std::size_t width) const {
  std::string text = name;
  text.resize(width, '.');
  return text;
}

std::string Report::prefix(const Test& test, std::size_t done) const {
  const std::size_t width = digits(setting_.total);
  return right(std::to_string(done), width) + "/" + right(std::to_string(setting_.total), width) +
         " Test" +
         right(" #" + std::to_string(test.number) + ":",
               3 + digits(static_cast<std::size_t>(setting_.highest_number))) +
         " ";
}

void Report::progress(const std::string& text) {
  const std::string erase = "\033[K";
  const bool erases_first = setting_.version >= kErasesFirst;
  console_.draw((line_is_open_ ? "\r" : "") + (erases_first ? erase + text : text + erase));
  line_is_open_ = true;
}

void Report::start(const Test& test, std::size_t done) {
  if (setting_.progress) return progress(prefix(test, done) + test.name);
  const std::string number = std::to_string(test.number);
  console_.print(right("Start ", 2 * digits(setting_.total) + 8) +
                 right(number, digits(static_cast<std::size_t>(setting_.highest_number))) + ": " +
                 test.name + "\n");
}

void Report::tell(const Test& test, const std::string& text) {
  console_.print_verbose(std::to_string(test.number) + ": " + text + "\n");
}

void Report::end(const Result& result, std::size_t done, Attempt attempt,
                 const std::string& output) {
  const Test& test = *result.test;
  const Verdict& verdict = result.verdict;
  const std::string shown = verdict.shown + seconds(result.time) + "\n";
  const std::size_t width = setting_.name_width + 4;
  if (setting_.progress) {
    // A fault that is written at once stands where the line just is.
    const std::string& fault = verdict.fault;
    const bool is_at_once = !fault.empty() && verdict.shown.starts_with(fault);
    if (is_at_once) console_.print(fault);
    if (!verdict.is_passed()) progress("");
    if (done == setting_.total) progress(prefix(test, done) + test.name);
    if (!verdict.is_passed()) {
      console_.print(prefix(test, done) + dotted(test.name, width) +
                     shown.substr(is_at_once ? fault.size() : 0));
    }
  } else {
    std::string line = prefix(test, done);
    if (!attempt.shows_count) {
      const std::string blank = right("  ", digits(setting_.total));
      line = blank + blank + line.substr(line.find(" Test") + 1);
    }
    console_.print(line + dotted(test.name + " ", width));
    console_.print(shown);
  }
  const bool shows_output =
      verdict.status != Status::completed && verdict.status != Status::not_run && result.started;
  if (setting_.output_on_failure && shows_output) console_.print(output + "\n");
}

void Report::summary(const std::vector<const Result*>& results, const std::vector<Test>& tests,
                     Counts counts, Seconds time) {
  const std::size_t all = counts.passed + counts.failed;
  float percent = static_cast<float>(counts.passed) * 100.0F / static_cast<float>(all);
  if (counts.failed > 0 && percent > 99) percent = 99;
  const std::string passed = std::to_string(std::lround(percent)) + "% tests passed";
  const std::string failed = std::to_string(counts.failed) + " tests failed";
  const std::string out_of = " out of " + std::to_string(all) + "\n";
  const Colours& colours = setting_.colours;
  const Colour colour = counts.failed == 0 ? Colour::green : Colour::red;
  const bool is_good = counts.failed == 0;
  const bool is_short = is_good && setting_.version >= kAllPassedIsShort;
  if (colours.whole_lines()) {
    console_.print(colours.paint(colour, "\n" + passed + (is_short ? "" : ", " + failed) + out_of));
  } else {
    std::string line = "\n" + (is_good ? colours.paint(colour, passed) : passed + colours.end());
    if (!is_short)
      line += ", " + (is_good ? failed + colours.end() : colours.paint(colour, failed));
    console_.print(line + out_of);
  }
  if (!setting_.subprojects.empty() && setting_.subproject_summary)
    label_summary(results, tests, true);
  if (setting_.label_summary) label_summary(results, tests, false);
  console_.print("\nTotal Test time (real) = " + seconds(time) + "\n");
  list_not_run(results);
  list_failed(results);
}

std::string Report::label_line(const std::string& label, Seconds time) {
  return label + " = " + seconds(time) + "*proc";
}

void Report::label_summary(const std::vector<const Result*>& results,
                           const std::vector<Test>& tests, bool of_subprojects) {
  struct Sum {
    Seconds time{};
    int tests = 0;
  };
  std::map<std::string, Sum> sums;
  std::size_t longest = 0;
  const auto add = [&](const std::vector<std::string>& labels) {
    for (const std::string& label : labels) {
      const bool is_one = std::find(setting_.subprojects.begin(), setting_.subprojects.end(),
                                    label) != setting_.subprojects.end();
      if (is_one != of_subprojects) continue;
      sums[label];
      longest = std::max(longest, label.size());
    }
  };
  for (const Test& test : tests) add(test.labels);
  for (const Result* result : results) add(result->labels);
  if (sums.empty()) return;
  for (const Result* result : results) {
    for (const std::string& label : result->labels) {
      const auto found = sums.find(label);
      if (found == sums.end()) continue;
      found->second.time += result->time * static_cast<double>(result->test->processors);
      ++found->second.tests;
    }
  }
  console_.print(of_subprojects ? "\nSubproject Time Summary:" : "\nLabel Time Summary:");
  for (const auto& [label, sum] : sums) {
    label_times_[label] = sum.time;
    std::string padded = label;
    padded.resize(longest + 3, ' ');
    console_.print("\n" + label_line(padded, sum.time) + " (" + std::to_string(sum.tests) +
                   (sum.tests > 1 ? " tests)" : " test)"));
  }
  console_.print("\n");
}

void Report::list_not_run(const std::vector<const Result*>& results) {
  const Colours& colours = setting_.colours;
  bool any = false;
  for (const Result* result : results) {
    if (!did_not_run(*result)) continue;
    if (!any) {
      console_.print("\nThe following tests did not run:\n");
      if (!colours.whole_lines()) console_.print(colours.begin(Colour::blue));
    }
    any = true;
    const std::string line =
        "\t" +
        listed(result->test->number,
               result->test->name +
                   (result->verdict.completion == "Disabled" ? " (Disabled)" : " (Skipped)")) +
        "\n";
    console_.print(colours.whole_lines() ? colours.paint(Colour::blue, line) : line);
  }
  if (any && !colours.whole_lines()) console_.print(colours.end());
}

void Report::list_failed(const std::vector<const Result*>& results) {
  const Colours& colours = setting_.colours;
  bool any = false;
  for (const Result* result : results) {
    if (!has_failed(*result)) continue;
    if (!any) console_.print("\nThe following tests FAILED:\n");
    any = true;
    const Colour colour = result->verdict.status == Status::not_run ? Colour::yellow : Colour::red;
    std::string what = result->test->name + " (" + name_of(result->verdict) + ")";
    if (!result->labels.empty() && setting_.version >= kNamesLabels) {
      constexpr std::size_t kColumn = 50;
      what.append(what.size() >= kColumn ? 1 : kColumn - what.size(), ' ');
      what += joined(result->labels);
    }
    const std::string line = listed(result->test->number, what);
    console_.print(colours.whole_lines() ? colours.paint(colour, "\t" + line + "\n")
                                         : "\t" + colours.paint(colour, line) + "\n");
  }
}

}  // namespace hearth::ctest
