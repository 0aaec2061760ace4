#include "plugin-shim/ctest/site.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "plugin-shim/ctest/junit.h"

namespace hearth::ctest {
namespace {

constexpr Version kNamesModel{3, 31};
constexpr Version kFixesNumbers{4, 3};

// Of the first processor.
std::map<std::string, std::string> processor() {
  std::map<std::string, std::string> fields;
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line) && !line.empty();) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto name_end = line.find_last_not_of(" \t", colon - 1);
    const auto value = line.find_first_not_of(' ', colon + 1);
    fields[line.substr(0, name_end + 1)] = value == std::string::npos ? "" : line.substr(value);
  }
  return fields;
}

std::string maker(const std::string& vendor) {
  if (vendor == "AuthenticAMD") return "Advanced Micro Devices";
  if (vendor == "GenuineIntel") return "Intel Corporation";
  return "Unknown Manufacturer";
}

std::string megabytes(unsigned long count, unsigned unit) {
  return std::to_string(count * unit / (1024UL * 1024UL));
}

std::string frequency(const std::string& megahertz, Version version) {
  const float number = std::strtof(megahertz.c_str(), nullptr);
  return version >= kFixesNumbers ? std::to_string(number) : number_text(number);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_site(Version version) {
  utsname names{};
  uname(&names);
  struct sysinfo memory {};
  sysinfo(&memory);
  std::map<std::string, std::string> one = processor();
  const std::string processors = std::to_string(sysconf(_SC_NPROCESSORS_ONLN));
  std::vector<std::pair<std::string, std::string>> site{
      {"OSName", names.sysname},          {"Hostname", names.nodename},
      {"OSRelease", names.release},       {"OSVersion", names.version},
      {"OSPlatform", names.machine},      {"Is64Bits", sizeof(void*) == 8 ? "1" : "0"},
      {"VendorString", one["vendor_id"]}, {"VendorID", maker(one["vendor_id"])},
      {"FamilyID", one["cpu family"]},    {"ModelID", one["model"]}};
  if (version >= kNamesModel) site.emplace_back("ModelName", one["model name"]);
  site.insert(site.end(),
              {{"ProcessorCacheSize", std::to_string(std::atoi(one["cache size"].c_str()))},
               {"NumberOfLogicalCPU", processors},
               {"NumberOfPhysicalCPU", one["cpu cores"].empty() ? processors : one["cpu cores"]},
               {"TotalVirtualMemory", megabytes(memory.totalswap, memory.mem_unit)},
               {"TotalPhysicalMemory", megabytes(memory.totalram, memory.mem_unit)},
               {"LogicalProcessorsPerPhysical", "1"},
               {"ProcessorClockFrequency", frequency(one["cpu MHz"], version)}});
  return site;
}

}  // namespace hearth::ctest
