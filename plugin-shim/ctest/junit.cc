#include "plugin-shim/ctest/junit.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "plugin-shim/ctest/report.h"
#include "plugin-shim/ctest/xml_writer.h"

namespace hearth::ctest {
namespace {

constexpr Version kNamesStatus{3, 27};
constexpr Version kHasProperties{3, 28};

const char* status_of(const Result& result) {
  switch (result.verdict.status) {
    case Status::completed:
      return "run";
    case Status::not_run:
      return result.verdict.completion == "Disabled" ? "disabled" : "notrun";
    default:
      return "fail";
  }
}

void write_properties(XmlWriter& xml, const Result& result, bool always) {
  if (!always && !result.failed_before) return;
  xml.start("properties");
  const auto property = [&](const char* name, const std::string& value) {
    xml.start("property");
    xml.attribute("name", name);
    xml.attribute("value", value);
    xml.end();
  };
  std::string labels;
  for (const std::string& label : result.labels) labels += (labels.empty() ? "" : ";") + label;
  if (always && !labels.empty()) property("cmake_labels", labels);
  if (result.failed_before)
    property("flaky", "passed in attempt " + std::to_string(result.attempts));
  xml.end();
}

void write_case(XmlWriter& xml, const Result& result, Version version) {
  const std::string status = status_of(result);
  xml.start("testcase");
  xml.attribute("name", result.test->name);
  xml.attribute("classname", result.test->name);
  xml.attribute("time", number_text(result.time.count()));
  xml.attribute("status", status);
  if (status == "notrun") {
    xml.start("skipped");
    xml.attribute("message", result.verdict.completion);
    xml.end();
  } else if (status == "fail") {
    xml.start("failure");
    xml.attribute("message",
                  version >= kNamesStatus ? name_of(result.verdict) : result.verdict.reason);
    xml.end();
  }
  write_properties(xml, result, version >= kHasProperties);
  xml.element("system-out", result.output);
  xml.end();
}

}  // namespace

std::string number_text(double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

std::string safe_build_name(const std::string& name) {
  std::string safe;
  for (const char character : name) {
    if (std::string_view("/\\:*?\"<>|\n").find(character) == std::string_view::npos)
      safe += character;
  }
  return safe.empty() ? "(empty)" : safe;
}

std::string junit(const std::vector<const Result*>& results, const Project& project,
                  Version version, std::chrono::system_clock::time_point begun, Seconds time) {
  int failures = 0;
  int disabled = 0;
  int skipped = 0;
  for (const Result* result : results) {
    const std::string status = status_of(*result);
    failures += status == "fail" ? 1 : 0;
    disabled += status == "disabled" ? 1 : 0;
    skipped += status == "notrun" ? 1 : 0;
  }
  const std::time_t seconds = std::chrono::system_clock::to_time_t(begun);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 64> timestamp{};
  std::strftime(timestamp.data(), timestamp.size(), "%Y-%m-%dT%H:%M:%S", &local);
  XmlWriter xml;
  xml.start("testsuite");
  xml.attribute("name", safe_build_name(project.value("BuildName")));
  xml.break_attributes();
  xml.attribute("tests", std::to_string(results.size()));
  xml.attribute("failures", std::to_string(failures));
  xml.attribute("disabled", std::to_string(disabled));
  xml.attribute("skipped", std::to_string(skipped));
  xml.attribute("hostname", project.value("Site"));
  xml.attribute("time", std::to_string(static_cast<long>(time.count())));
  xml.attribute("timestamp", timestamp.data());
  for (const Result* result : results) write_case(xml, *result, version);
  xml.end();
  return std::move(xml).release();
}

}  // namespace hearth::ctest
