#include "scheduler/dealer.h"

#include <cstdlib>

#include "scheduler/each_dealer.h"
#include "scheduler/load_dealer.h"
#include "scheduler/scope_dealer.h"
#include "scheduler/scopes.h"
#include "scheduler/work_steal_dealer.h"

namespace hearth::scheduler {

std::unique_ptr<Dealer> make_dealer(const RunSubmitted& run, std::size_t workers) {
  switch (run.policy) {
    case Policy::load:
      return std::make_unique<LoadDealer>(run.items.size(), run.max_chunk);
    case Policy::load_scope:
    case Policy::load_file:
    case Policy::load_group:
      return std::make_unique<ScopeDealer>(scopes_of(run), run.reorder_scopes);
    case Policy::work_steal:
      return std::make_unique<WorkStealDealer>(run.items.size());
    case Policy::each:
      return std::make_unique<EachDealer>(run.items.size(), workers);
  }
  std::abort();  // a value that is none of the enumeration's
}

}  // namespace hearth::scheduler
