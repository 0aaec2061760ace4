#include "scheduler/worker.h"

#include <algorithm>

namespace hearth::scheduler {

bool Worker::remove(ItemId item) {
  const auto place =
      std::find(queue.begin(), queue.end(), item);  // the front, if the worker keeps the order
  if (place == queue.end()) return false;
  queue.erase(place);
  if (executing == item) executing.reset();
  return true;
}

}  // namespace hearth::scheduler
