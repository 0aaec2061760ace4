// What follows when a test has ended.
#include <algorithm>
#include <cctype>
#include <utility>

#include "plugin-shim/ctest/environment.h"
#include "plugin-shim/ctest/run.h"
#include "plugin-shim/ctest/test_start.h"

namespace hearth::ctest {
namespace {

std::vector<std::string> with_more(std::vector<std::string> labels,
                                   const std::vector<std::string>& more) {
  labels.insert(labels.end(), more.begin(), more.end());
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

}  // namespace

void Run::not_started(Places::iterator place, Verdict verdict) {
  Result result;
  result.test = &test_of(*place);
  result.labels = result.test->labels;
  const std::string& completion = verdict.completion;
  // Up to these it has not been looked at what is to be executed.
  const bool is_known = completion != "Disabled" && completion != "Fixture dependency failed" &&
                        completion != "Insufficient resources" &&
                        completion != "Failed to change working directory";
  result.log_command = is_known ? logged_command(*result.test) : "\"\"";
  // It has written nothing, and that is looked at.
  if (completion != "Fixture dependency failed")
    verdict.reason = reason_of(*result.test, {}, expressions_);
  result.verdict = std::move(verdict);
  result.attempts = place->attempts;
  result.begun = place->begun;
  conclude(place, std::move(result), {});
}

Result Run::result_of(Place& place) const {
  RunningTest& running = *place.running;
  Result result;
  result.test = &running.test();
  result.started = running.start_failure().empty();
  result.time = running.time();
  result.begun = place.begun;
  result.log_command = logged_command(*result.test);
  result.attempts = place.attempts;
  if (!result.started) {
    result.labels = result.test->labels;
    return result;
  }
  const Ending ending = running.ending();
  result.exit_code = ending.exit_code;
  result.command_line = shown_command(*result.test);
  result.labels = with_more(result.test->labels, running.output().labels());
  result.details = running.output().details();
  result.leaks = running.leaks();
  if (parts_.options.writes_xml && place.command.environment)
    result.environment = differences(Environment(this_environment()), *place.command.environment);
  if (parts_.options.writes_xml && !parts_.has_resources) {
    if (!result.environment.empty()) result.environment += '\n';
    result.environment += "#CTEST_RESOURCE_GROUP_COUNT=";
  }
  return result;
}

void Run::finish(Places::iterator place) {
  RunningTest& running = *place->running;
  if (running.leaks()) leaked_.push_back(running.take_output());
  Result result = result_of(*place);
  const std::string& output = running.output().text();
  result.verdict = judge(running.test(), running.ending(), output, expressions_);
  if (result.verdict.status == Status::completed) costs_[place->index].add(result.time.count());
  if (!result.started) {
    std::string why = running.start_failure();  // ctest's library begins it with a small letter
    why.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(why.front())));
    parts_.console.complain("Process not started\n " + running.test().command.front() + "\n[" +
                            why + "]\n");
  } else if (wants_another(*place, result.verdict)) {
    result.output = output;
    parts_.report.end(result, done_ + 1, {shows_count(*place)}, output);
    parts_.log.add_test(result, parts_.listing.registered, output);
    place->failed_before = place->failed_before || !result.verdict.is_passed();
    return start(place);
  }
  const bool is_over = running.stopped_by_stop_time();
  const std::string whole = output;
  conclude(place, std::move(result), whole);
  if (is_over) pass_stop_time();
}

bool Run::wants_another(const Place& place, const Verdict& verdict) const {
  if (place.attempts >= parts_.options.repeat_count || verdict.status == Status::not_run ||
      stop_time_passed_ || place.running->stopped_by_stop_time())
    return false;
  switch (parts_.options.repeat) {
    case Repeat::never:
      return false;
    case Repeat::until_fail:
      return verdict.status == Status::completed;
    case Repeat::until_pass:
      return verdict.status != Status::completed;
    case Repeat::after_timeout:
      return verdict.status == Status::timeout;
  }
  return false;
}

bool Run::shows_count(const Place& place) const {
  const Repeat repeat = parts_.options.repeat;
  if (repeat == Repeat::until_pass || repeat == Repeat::after_timeout) return place.attempts == 1;
  return repeat == Repeat::never || place.attempts == parts_.options.repeat_count;
}

void Run::conclude(Places::iterator place, Result result, const std::string& output) {
  ++done_;
  const Test& test = *result.test;
  parts_.report.end(result, done_, {shows_count(*place)}, output);
  parts_.log.add_test(result, parts_.listing.registered, output);
  result.failed_before = place->failed_before && result.verdict.status == Status::completed;
  result.output = result.started ? output : result.verdict.said;
  result.measurements = take_measurements(result.output);
  const int most = result.verdict.status == Status::completed ? parts_.options.output_size_passed
                                                              : parts_.options.output_size_failed;
  if (result.started)
    truncate(result.output, static_cast<std::size_t>(most), parts_.options.truncation);
  if (result.verdict.is_passed()) {
    ++counts_.passed;
  } else if (!test.disabled) {
    ++counts_.failed;
    failed_.push_back(test.name);
  }
  parts_.checkpoint.add(test.number);
  for (const unsigned processor : place->command.processors) free_processors_.insert(processor);
  plan_.ended(place->index);
  results_.push_back(std::move(result));
  places_.erase(place);
}

}  // namespace hearth::ctest
