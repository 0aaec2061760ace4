#include "plugin-shim/ctest/session_end.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "plugin-shim/ctest/junit.h"
#include "plugin-shim/ctest/session.h"

namespace hearth::ctest {
namespace {

std::vector<const Result*> by_number(const std::vector<Result>& results) {
  std::vector<const Result*> sorted;
  sorted.reserve(results.size());
  for (const Result& result : results) sorted.push_back(&result);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Result* one, const Result* other) {
    return one->test->number < other->test->number;
  });
  return sorted;
}

// For -V with -R or -E.
void name_passed(const EndedRun& ended) {
  if (ended.options.include.empty() && ended.options.exclude.empty()) return;
  if (ended.run.counts().passed == 0) return;
  ended.console.print_verbose("\nThe following tests passed:\n");
  for (const Result& result : ended.run.results()) {
    if (result.verdict.is_passed()) ended.console.print_verbose("\t" + result.test->name + "\n");
  }
}

void write_lists(const EndedRun& ended, const std::vector<const Result*>& results) {
  std::vector<std::pair<int, std::string>> not_run;
  std::vector<std::pair<int, std::string>> failed;
  for (const Result* result : results) {
    if (did_not_run(*result)) not_run.emplace_back(result->test->number, result->test->name);
    if (has_failed(*result)) failed.emplace_back(result->test->number, result->test->name);
  }
  write_list(ended.disabled_list, not_run);
  write_list(ended.failed_list, failed);
}

// False: something could not be written, as ctest says it.
bool write_reports(const EndedRun& ended, const std::vector<const Result*>& results) {
  if (ended.options.writes_xml &&
      !write_test_xml({ended.run.results(), ended.project, ended.listing.version,
                       "ctest-" + ended.listing.version_text, ended.tag, ended.begun,
                       std::chrono::system_clock::now()})) {
    ended.console.complain("Cannot create testing XML file\n");
    return false;
  }
  if (ended.options.junit_file.empty()) return true;
  std::ofstream stream(ended.options.junit_file, std::ios::binary | std::ios::trunc);
  stream << junit(results, ended.project, ended.listing.version, ended.begun, ended.time);
  stream.close();
  if (stream) return true;
  ended.console.complain("Problem opening file: " + ended.options.junit_file + "\n");
  return false;
}

// What ctest does not tell.
void tell_more(const EndedRun& ended, const std::vector<const Result*>& results) {
  const auto tell = [&](const char* title, auto is_one, auto what) {
    bool any = false;
    for (const Result* result : results) {
      if (!is_one(*result)) continue;
      if (!any) ended.console.print(title);
      any = true;
      const std::string number = std::to_string(result->test->number);
      ended.console.print("\t" + std::string(number.size() < 3 ? 3 - number.size() : 0, ' ') +
                          number + " - " + result->test->name + what(*result) + "\n");
    }
  };
  tell(
      "\nThe following tests are FLAKY: they passed when repeated:\n",
      [](const Result& result) { return result.failed_before; },
      [](const Result& result) { return " (in attempt " + std::to_string(result.attempts) + ")"; });
  tell(
      "\nThe following tests LEAK: a process that they left behind held their output:\n",
      [](const Result& result) { return result.leaks; },
      [](const Result&) { return std::string(); });
}

}  // namespace

int conclude(const EndedRun& ended) {
  const Report::Counts counts = ended.run.counts();
  const bool is_empty = counts.passed + counts.failed == 0;
  const std::vector<const Result*> results = by_number(ended.run.results());
  ended.log.add("End testing: " + clock_text(std::chrono::system_clock::now()) + "\n");
  if (!is_empty) {
    name_passed(ended);
    ended.report.summary(results, ended.listing.tests, counts, ended.time);
    for (const auto& [label, time] : ended.report.label_times())
      ended.log.add("\n" + Report::label_line(label, time) + "\n");
    if (!ended.report.label_times().empty()) ended.log.add("\n");
    write_lists(ended, results);
    tell_more(ended, results);
  } else if (ended.options.no_tests != NoTests::ignore) {
    ended.console.complain("No tests were found!!!\n");
  }
  ended.log.close();
  const bool are_written = write_reports(ended, results);
  const bool has_trouble =
      !are_written || counts.failed > 0 || (is_empty && ended.options.no_tests == NoTests::error);
  if (!has_trouble) return 0;
  if (ended.options.writes_xml && ended.listing.version >= kIsSilentWithXml) return kTestErrors;
  ended.console.complain("Errors while running CTest\n");
  if (!ended.options.output_on_failure) {
    ended.console.complain("Output from these tests are in: " +
                           (ended.project.temporary() / "LastTest.log").string() + "\n");
    ended.console.complain(
        "Use \"--rerun-failed --output-on-failure\" to re-run the failed cases verbosely.\n");
  }
  return kTestErrors;
}

}  // namespace hearth::ctest
