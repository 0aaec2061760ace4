#include "scheduler/dealer.h"

#include <cstdlib>

#include "scheduler/load_dealer.h"
#include "scheduler/load_file_dealer.h"

namespace hearth::scheduler {

std::unique_ptr<Dealer> make_dealer(const RunSubmitted& run) {
  switch (run.policy) {
    case Policy::load:
      return std::make_unique<LoadDealer>(run.items.size(), run.max_chunk);
    case Policy::load_file:
      return std::make_unique<LoadFileDealer>(run.items);
  }
  std::abort();  // a value that is none of the enumeration's
}

}  // namespace hearth::scheduler
