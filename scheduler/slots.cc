#include "scheduler/slots.h"

#include <algorithm>
#include <tuple>

namespace hearth::scheduler {

void Slots::divide(std::uint32_t budget, std::vector<Share>& shares, Time now) {
  std::vector<Share*> by_wish;
  by_wish.reserve(shares.size());
  for (Share& share : shares) by_wish.push_back(&share);
  std::stable_sort(by_wish.begin(), by_wish.end(),
                   [](const Share* a, const Share* b) { return a->use.wanted < b->use.wanted; });

  // Whoever wants no more than an equal part of what is left gets it all; the others are the
  // contenders.
  std::size_t first = 0;
  std::uint32_t left = budget;
  for (; first < by_wish.size(); ++first) {
    Share& share = *by_wish[first];
    if (share.use.wanted > left / (by_wish.size() - first)) break;
    share.entitled = share.use.wanted;
    left -= share.entitled;
  }
  std::vector<Share*> contenders(by_wish.begin() + static_cast<std::ptrdiff_t>(first),
                                 by_wish.end());
  let_contend(contenders, shares, now);
  if (contenders.empty()) return;

  const auto level = static_cast<std::uint32_t>(left / contenders.size());
  const std::size_t remainder = left % contenders.size();
  // Of two that are served alike comes first who has to wait, or has waited longer.
  std::sort(contenders.begin(), contenders.end(), [&](const Share* a, const Share* b) {
    const auto rank = [&](const Share* share) {
      return std::tuple(accounts_[share->run].served, share->use.kept > level,
                        accounts_[share->run].last_held, share->run);
    };
    return rank(a) < rank(b);
  });
  for (std::size_t i = 0; i < contenders.size(); ++i)
    contenders[i]->entitled = level + (i < remainder ? 1 : 0);
}

void Slots::let_contend(const std::vector<Share*>& contenders, std::vector<Share>& shares,
                        Time now) {
  for (const Share& share : shares) count_slot_time(accounts_[share.run], now);
  std::optional<Duration> least;
  for (const Share* share : contenders) {
    const Account& account = accounts_[share->run];
    if (account.contends) least = std::min(least.value_or(account.served), account.served);
  }
  for (Share& share : shares) {
    Account& account = accounts_[share.run];
    const bool contends =
        std::find(contenders.begin(), contenders.end(), &share) != contenders.end();
    if (contends && !account.contends)
      account.served = least ? std::max(account.served, *least) : Duration::zero();
    account.contends = contends;
  }
}

bool Slots::quantum_over(const Share& share, Time now) const {
  return share.use.oldest && now - *share.use.oldest >= quantum_;
}

std::optional<Time> Slots::next_turn(const std::vector<Share>& shares, Time now) const {
  std::optional<Time> next;
  const auto consider = [&](Time time) {
    if (time > now) next = std::min(next.value_or(time), time);
  };
  for (const Share& holder : shares) {
    if (holder.use.kept == 0 || !holder.use.oldest) continue;
    const Time free_from = *holder.use.oldest + quantum_;
    if (holder.surplus() > 0) consider(free_from);
    // A contender that is ahead of one that waits for its turn: until it has had as much slot time.
    const auto account = accounts_.find(holder.run);
    if (account == accounts_.end() || !account->second.contends ||
        holder.use.kept > holder.entitled)
      continue;
    for (const Share& waiting : shares) {
      const auto other = accounts_.find(waiting.run);
      if (other == accounts_.end() || !other->second.contends) continue;
      if (waiting.entitled >= holder.entitled || waiting.use.kept >= holder.use.kept) continue;
      const Duration lead =
          std::max(other->second.served - account->second.served, Duration::zero());
      const auto gain = holder.use.kept - waiting.use.kept;
      consider(std::max(free_from, now + (lead + Duration(gain - 1)) / gain));
    }
  }
  return next;
}

void Slots::set_held(RunId run, std::uint32_t held, Time now) {
  Account& account = accounts_[run];
  count_slot_time(account, now);
  account.held = held;
}

void Slots::count_slot_time(Account& account, Time now) const {
  account.served += (now - account.counted_until) * account.held;
  if (account.held > 0) account.last_held = now;
  account.counted_until = now;
}

}  // namespace hearth::scheduler
