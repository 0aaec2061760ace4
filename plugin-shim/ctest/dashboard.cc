#include "plugin-shim/ctest/dashboard.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <system_error>
#include <utility>

#include "plugin-shim/ctest/junit.h"
#include "plugin-shim/ctest/site.h"
#include "plugin-shim/ctest/test_log.h"
#include "plugin-shim/ctest/xml_writer.h"

namespace hearth::ctest {
namespace {

namespace fs = std::filesystem;

constexpr Version kTimesTests{4, 3};  // tests have a start time, and numbers are fixed

std::string now_text(std::chrono::system_clock::time_point now, const char* form) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), form, &utc)};
}

// As ctest shortens it: below the build or the source directory, whichever is nearer.
std::string short_path(const Project& project, const std::string& path) {
  std::string best = path;
  bool is_inside = false;
  for (const std::string& root :
       {project.value("BuildDirectory"), project.value("SourceDirectory")}) {
    if (root.empty()) continue;
    const std::string relative = fs::path(path).lexically_relative(root).string();
    if (relative.empty() || relative.starts_with("..")) continue;
    if (!is_inside || relative.size() < best.size()) best = relative;
    is_inside = true;
  }
  if (!is_inside) return path;
  return best == "." ? best : "./" + best;
}

class TestWriter {
 public:
  TestWriter(XmlWriter& xml, const TestXml& parts) : xml_(xml), parts_(parts) {}

  void write(const Result& result) {
    const Test& test = *result.test;
    const bool is_run = result.verdict.status != Status::not_run;
    xml_.start("Test");
    xml_.attribute("Status", !is_run                                      ? "notrun"
                             : result.verdict.status == Status::completed ? "passed"
                                                                          : "failed");
    xml_.element("Name", test.name);
    xml_.element("Path", short_path(parts_.project, test.directory));
    xml_.element("FullName", short_path(parts_.project, test.directory + "/" + test.name));
    xml_.element("FullCommandLine", result.command_line);
    if (result.started && result.begun && parts_.version >= kTimesTests) {
      const std::chrono::duration<double> since = result.begun->time_since_epoch();
      xml_.element("StartTestTime", fixed(since.count()));
    }
    xml_.start("Results");
    if (is_run) write_run(result);
    measurement("numeric/double", "Processors", std::to_string(test.processors));
    measurement("text/string", "Completion Status",
                result.details.empty() ? result.verdict.completion : result.details);
    measurement("text/string", "Command Line", result.command_line);
    measurement("text/string", "Environment", result.environment);
    for (const auto& [name, value] : test.measurements) measurement("text/string", name, value);
    xml_.start("Measurement");
    xml_.element("Value", result.output);
    xml_.end();
    xml_.end();
    if (!result.labels.empty()) {
      xml_.start("Labels");
      for (const std::string& label : result.labels) xml_.element("Label", label);
      xml_.end();
    }
    xml_.end();
  }

 private:
  static std::string fixed(double number) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.6f", number);
    return text.data();
  }

  void write_run(const Result& result) {
    if (result.verdict.status != Status::completed || result.exit_code != 0) {
      measurement("text/string", "Exit Code", name_of(result.verdict));
      measurement("text/string", "Exit Value", std::to_string(result.exit_code));
    }
    for (const std::string& element : result.measurements) write_own(element);
    const double time = result.time.count();
    measurement("numeric/double", "Execution Time",
                parts_.version >= kTimesTests ? fixed(time) : number_text(time));
    if (!result.verdict.reason.empty()) {
      measurement("text/string",
                  result.verdict.status == Status::completed ? "Pass Reason" : "Fail Reason",
                  result.verdict.reason);
    }
  }

  // One that the test wrote itself: <CTestMeasurement type="…" name="…">value</CTestMeasurement>.
  void write_own(const std::string& element) {
    const auto tag_end = element.find('>');
    const auto attribute = [&](const std::string& name) {
      const auto begin = element.find(" " + name + "=\"");
      if (begin == std::string::npos || begin > tag_end) return std::string();
      const auto value = begin + name.size() + 3;
      return element.substr(value, element.find('"', value) - value);
    };
    const std::string content = element.substr(tag_end + 1, element.rfind('<') - tag_end - 1);
    measurement(attribute("type").c_str(), attribute("name"), content);
  }

  void measurement(const char* type, const std::string& name, const std::string& value) {
    xml_.start("NamedMeasurement");
    xml_.attribute("type", type);
    xml_.attribute("name", name);
    xml_.element("Value", value);
    xml_.end();
  }

  XmlWriter& xml_;
  const TestXml& parts_;
};

}  // namespace

Tag take_tag(const Project& project, std::chrono::system_clock::time_point now) {
  const fs::path file = project.binary_directory() / "Testing" / "TAG";
  Tag tag{{}, "Experimental", false};
  {
    std::ifstream stream(file);
    std::string group;
    std::getline(stream, tag.name);
    if (std::getline(stream, group) && !group.empty()) tag.group = group;
  }
  if (tag.name.substr(0, 8) == now_text(now, "%Y%m%d")) return tag;
  tag.name = now_text(now, "%Y%m%d-%H%M");
  tag.is_new = true;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  std::ofstream(file) << tag.name << '\n' << tag.group << '\n' << "Experimental\n";
  return tag;
}

bool write_test_xml(const TestXml& parts) {
  const Project& project = parts.project;
  XmlWriter xml;
  xml.start("Site");
  xml.attribute("BuildName", safe_build_name(project.value("BuildName")));
  xml.break_attributes();
  xml.attribute("BuildStamp", parts.tag.name + "-" + parts.tag.group);
  xml.attribute("Name", project.value("Site"));
  xml.attribute("Generator", parts.generator);
  xml.attribute("CompilerName", project.value("Compiler"));
  xml.attribute("CompilerVersion", project.value("CompilerVersion"));
  for (const auto& [name, value] : describe_site(parts.version)) xml.attribute(name, value);
  const auto seconds = [](std::chrono::system_clock::time_point time) {
    return std::to_string(std::chrono::system_clock::to_time_t(time));
  };
  xml.start("Testing");
  xml.element("StartDateTime", clock_text(parts.begun));
  xml.element("StartTestTime", seconds(parts.begun));
  xml.start("TestList");
  for (const Result& result : parts.results) {
    xml.element("Test", short_path(project, result.test->directory + "/" + result.test->name));
  }
  xml.end();
  TestWriter writer(xml, parts);
  for (const Result& result : parts.results) writer.write(result);
  xml.element("EndDateTime", clock_text(parts.ended));
  xml.element("EndTestTime", seconds(parts.ended));
  xml.element(
      "ElapsedMinutes",
      std::to_string(
          std::chrono::duration_cast<std::chrono::minutes>(parts.ended - parts.begun).count()));
  xml.end();
  xml.end();
  const fs::path directory = project.binary_directory() / "Testing" / parts.tag.name;
  std::error_code error;
  fs::create_directories(directory, error);
  std::ofstream stream(directory / "Test.xml", std::ios::binary | std::ios::trunc);
  stream << std::move(xml).release();
  stream.close();
  return static_cast<bool>(stream);
}

std::string left_out_of_xml(const std::vector<Test>& tests) {
  for (const Test& test : tests) {
    if (!test.attached_files.empty() || !test.attached_files_on_fail.empty())
      return "files attached to tests, with -T test";
  }
  return {};
}

}  // namespace hearth::ctest
