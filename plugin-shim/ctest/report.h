// What is shown of a run, in ctest's very words.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "plugin-shim/ctest/colours.h"
#include "plugin-shim/ctest/console.h"
#include "plugin-shim/ctest/listing.h"
#include "plugin-shim/ctest/result.h"

namespace hearth::ctest {

struct ReportSetting {
  Version version;  // of the ctest whose words they are
  std::size_t total = 0;
  int highest_number = 0;
  std::size_t name_width = 30;  // at least that of the longest name
  bool output_on_failure = false;
  bool progress = false;  // one line that changes; failures stay
  bool label_summary = true;
  bool subproject_summary = true;
  std::vector<std::string> subprojects;  // labels
  Colours colours;
};

// A test of which `--repeat` may want more than one attempt.
struct Attempt {
  bool shows_count = true;
};

class Report {
 public:
  Report(Console& console, ReportSetting setting)
      : console_(console), setting_(std::move(setting)) {}

  // `done`: how many have ended.
  void start(const Test& test, std::size_t done);
  // One line of what a test writes, or of what there is to be said of it, for -V.
  void tell(const Test& test, const std::string& text);
  // `done`: this one included.
  void end(const Result& result, std::size_t done, Attempt attempt, const std::string& output);

  bool shows_progress() const { return setting_.progress; }

  struct Counts {
    std::size_t passed = 0;
    std::size_t failed = 0;
  };
  // `results` ascending by number, each test once.
  void summary(const std::vector<const Result*>& results, const std::vector<Test>& tests,
               Counts counts, Seconds time);
  // What the summary says of labels, for the log as well.
  static std::string label_line(const std::string& label, Seconds time);
  const std::map<std::string, Seconds>& label_times() const { return label_times_; }

 private:
  std::string prefix(const Test& test, std::size_t done) const;
  void progress(const std::string& text);
  std::string dotted(const std::string& name, std::size_t width) const;
  void label_summary(const std::vector<const Result*>& results, const std::vector<Test>& tests,
                     bool of_subprojects);
  void list_not_run(const std::vector<const Result*>& results);
  void list_failed(const std::vector<const Result*>& results);

  Console& console_;
  ReportSetting setting_;
  std::map<std::string, Seconds> label_times_;
  bool line_is_open_ = false;  // of the progress
};

// A skipped or disabled test, which is no failure.
bool did_not_run(const Result& result);
bool has_failed(const Result& result);

}  // namespace hearth::ctest
