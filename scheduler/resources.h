// Counted resources of a machine (graphics cards, licences), and their division among commands:
// what ctest calls resource groups. Each unit has an id and a number of slots; a requirement wants
// slots of one unit.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hearth::scheduler {

struct ResourceNeed {
  std::size_t group = 0;  // which of the command's groups wants it
  std::string type;
  unsigned slots = 0;  // all of one unit
};

struct Allocation {
  std::size_t group = 0;
  std::string type;
  std::string id;
  unsigned slots = 0;
};

class Resources {
 public:
  struct Unit {
    unsigned total = 0;
    unsigned used = 0;
    unsigned free() const { return total - used; }
  };
  using Units = std::map<std::string, Unit>;  // by id

  void add(const std::string& type, const std::string& id, unsigned slots);
  void add_type(const std::string& type) { types_[type]; }

  // Takes all of it or nothing. The largest wishes are met first; of several units, the one with
  // the most free slots serves, as ctest's does.
  std::optional<std::vector<Allocation>> take(const std::vector<ResourceNeed>& needs);
  void give_back(const std::vector<Allocation>& allocations);

  // The types of which the needs could not be met by these resources even if nobody used any.
  // `exists`: there are units of that type, only not enough.
  struct Lack {
    std::string type;
    bool exists = false;
  };
  std::vector<Lack> lacks(const std::vector<ResourceNeed>& needs) const;

  const std::map<std::string, Units>& types() const { return types_; }

 private:
  std::map<std::string, Units> types_;
};

}  // namespace hearth::scheduler
