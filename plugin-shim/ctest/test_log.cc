#include "plugin-shim/ctest/test_log.h"

#include <fcntl.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <system_error>

#include "protocol/write_all.h"

namespace hearth::ctest {
namespace {

constexpr std::size_t kFull = 64 * 1024;
constexpr std::string_view kLine = "----------------------------------------------------------\n";

std::filesystem::path unfinished(const std::filesystem::path& file) {
  return file.string() + ".tmp";
}

std::string elapsed(Seconds time) {
  const auto whole = static_cast<unsigned>(time.count());
  char text[32];
  std::snprintf(text, sizeof text, "%02u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
  return text;
}

std::string seconds(Seconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%6.2f sec", time.count());
  return text;
}

}  // namespace

std::string clock_text(std::chrono::system_clock::time_point time) {
  // It changes once in a minute, and is asked for with every test.
  static std::time_t last_minute = -1;
  static std::string last;
  const std::time_t now = std::chrono::system_clock::to_time_t(time);
  if (now / 60 == last_minute) return last;
  std::tm local{};
  localtime_r(&now, &local);
  char text[64];
  last.assign(text, std::strftime(text, sizeof text, "%b %d %H:%M %Z", &local));
  last_minute = now / 60;
  return last;
}

TestLog::TestLog(std::filesystem::path file) : path_(std::move(file)) {
  constexpr int kEverybodyReads = 0666;  // less the umask
  file_ = protocol::Fd(
      open(unfinished(path_).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kEverybodyReads));
}

TestLog::~TestLog() { close(); }

void TestLog::add(std::string_view text) {
  pending_ += text;
  if (pending_.size() < kFull) return;
  protocol::write_all(file_.get(), pending_);
  pending_.clear();
}

void TestLog::add_test(const Result& result, std::size_t registered, const std::string& output) {
  const std::string begun = result.begun ? clock_text(*result.begun) : std::string();
  const std::string ended = clock_text(std::chrono::system_clock::now());
  const Test& test = *result.test;
  const std::string place = std::to_string(test.number) + "/" + std::to_string(registered);
  const Verdict& verdict = result.verdict;
  const bool is_good = verdict.status == Status::completed || verdict.status == Status::not_run;
  std::string text;
  text += place + " Testing: " + test.name + "\n" + place + " Test: " + test.name + "\n";
  text += "Command: " + result.log_command;
  text += "\nDirectory: " + test.directory + "\n\"" + test.name + "\" start time: " + begun +
          "\nOutput:\n";
  text += kLine;
  text += output + "<end of output>\nTest time = " + seconds(result.time) + "\n";
  text += kLine;
  if (!verdict.reason.empty()) {
    text += is_good ? "Test Pass Reason" : "Test Fail Reason";
    text += ":\n" + verdict.reason + "\n";
  } else {
    text += is_good ? "Test Passed.\n" : "Test Failed.\n";
  }
  text += "\"" + test.name + "\" end time: " + ended + "\n\"" + test.name +
          "\" time elapsed: " + elapsed(result.time) + "\n";
  text += kLine;
  text += "\n";
  add(text);
}

void TestLog::close() {
  if (!file_) return;
  protocol::write_all(file_.get(), pending_);
  file_.reset();
  std::error_code error;
  std::filesystem::rename(unfinished(path_), path_, error);
}

bool write_list(const std::filesystem::path& file,
                const std::vector<std::pair<int, std::string>>& tests) {
  if (tests.empty()) return true;
  std::ofstream stream(file, std::ios::trunc);
  for (const auto& [number, name] : tests) stream << number << ':' << name << '\n';
  stream.close();
  return static_cast<bool>(stream);
}

}  // namespace hearth::ctest
