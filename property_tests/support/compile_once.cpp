#include "support/compile_once.h"

namespace testing::internal {
SLICECHECK_COMPARISONS()
}  // namespace testing::internal

namespace testing {
template std::string PrintToString(const double&);
template std::string PrintToString(const int&);
template std::string PrintToString(const unsigned long&);
template std::string PrintToString(const std::string&);
}  // namespace testing
