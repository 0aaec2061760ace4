// HUNDREDS × 100 cases that do nothing; with INITIALISER_MILLISECONDS a static initialiser that
// takes its time.
#include <gtest/gtest.h>

#include <ctime>

#ifdef INITIALISER_MILLISECONDS
namespace {
const int slept = [] {
  const timespec time{0, INITIALISER_MILLISECONDS * 1'000'000L};
  return nanosleep(&time, nullptr);
}();
}  // namespace
#endif

#define ONE(number) \
  TEST(Trivial, case_##number) { EXPECT_EQ(number, number); }
#define TEN(begin) \
  ONE(begin##0)    \
  ONE(begin##1)    \
  ONE(begin##2)    \
  ONE(begin##3) ONE(begin##4) ONE(begin##5) ONE(begin##6) ONE(begin##7) ONE(begin##8) ONE(begin##9)
#define HUNDRED(begin) \
  TEN(begin##0)        \
  TEN(begin##1)        \
  TEN(begin##2)        \
  TEN(begin##3) TEN(begin##4) TEN(begin##5) TEN(begin##6) TEN(begin##7) TEN(begin##8) TEN(begin##9)
#define FIVE_HUNDRED(a, b, c, d, e) HUNDRED(a) HUNDRED(b) HUNDRED(c) HUNDRED(d) HUNDRED(e)

FIVE_HUNDRED(1, 2, 3, 4, 5)
#if HUNDREDS == 20
FIVE_HUNDRED(6, 7, 8, 9, 10)
FIVE_HUNDRED(11, 12, 13, 14, 15)
FIVE_HUNDRED(16, 17, 18, 19, 20)
#endif
