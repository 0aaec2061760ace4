#include "plugin-shim/ctest/stop_time.h"

#include <cstdio>
#include <ctime>

namespace hearth::ctest {

std::optional<std::chrono::system_clock::time_point> read_stop_time(
    const std::string& text, std::chrono::system_clock::time_point now) {
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  int read = 0;
  const char* const words = text.c_str();
  const bool is_long = std::sscanf(words, "%2d:%2d:%2d%n", &hours, &minutes, &seconds, &read) == 3;
  const bool is_short = !is_long && std::sscanf(words, "%2d:%2d%n", &hours, &minutes, &read) == 2;
  if ((!is_long && !is_short) || static_cast<std::size_t>(read) != text.size()) return std::nullopt;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59)
    return std::nullopt;
  const std::time_t today = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&today, &local);
  local.tm_hour = hours;
  local.tm_min = minutes;
  local.tm_sec = is_long ? seconds : 0;
  local.tm_isdst = -1;
  auto time = std::chrono::system_clock::from_time_t(std::mktime(&local));
  if (std::chrono::system_clock::to_time_t(time) < today) time += std::chrono::hours(24);
  return time;
}

}  // namespace hearth::ctest
