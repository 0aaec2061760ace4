// What earlier runs of a project imported: what the stage `preloaded` imports ahead of the next.
//
// One JSON file for each project (a python and a working directory) in a directory of the state
// directory. It is a guess that costs nothing when it is wrong or lost: whatever cannot be read is
// logged and begun anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "protocol/messages.gen.h"

namespace hearth::daemon {

class ImportHistory {
 public:
  // Made when there is something to write.
  explicit ImportHistory(std::filesystem::path directory) : directory_(std::move(directory)) {}

  struct Plan {
    std::vector<protocol::ModuleOrigin> modules;  // in the order in which they were imported
    std::vector<std::string> excluded;            // with what is in them: no import may load these
    bool operator==(const Plan&) const = default;
  };
  // What the project itself says, in the last run: names of modules. `*` excludes all.
  struct Declared {
    std::vector<std::string> preload;
    std::vector<std::string> no_preload;
    bool operator==(const Declared&) const = default;
  };
  // Empty: nothing is known, or nothing can be imported ahead.
  Plan plan(const protocol::ProcessSpec& spec);

  // What a run imported, in its order. Modules that it did not import stay known.
  void add(const protocol::ProcessSpec& spec, std::vector<protocol::ModuleOrigin> modules,
           std::vector<std::string> excluded, Declared declared = {});
  // Once it declares something else, all rejected modules are tried again.
  void declare(const protocol::ProcessSpec& spec, Declared declared);

  // The modules that are left out, and why.
  std::vector<protocol::Complaint> complaints(const std::string& directory) const;

  // Leave this module out until its file changes.
  void reject(const protocol::ProcessSpec& spec, const std::string& module,
              const std::string& reason);

 private:
  struct Rejection {
    std::string reason;
    std::int64_t changed = 0;  // the file's modification time
  };
  struct Project {
    std::string directory;
    Plan known;
    std::map<std::string, Rejection> rejected;
    Declared declared;
  };

  std::filesystem::path file_of(const protocol::ProcessSpec& spec) const;
  Project& project(const protocol::ProcessSpec& spec);
  void write(const protocol::ProcessSpec& spec, const Project& project) const;

  std::filesystem::path directory_;
  std::map<std::filesystem::path, Project> projects_;  // those of this daemon's life
};

}  // namespace hearth::daemon
