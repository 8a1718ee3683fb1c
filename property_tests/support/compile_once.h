#pragma once
/// GoogleTest's comparisons of the common types, compiled by compile_once.cpp alone. Part of the precompiled header of the tests.

#include <gtest/gtest.h>

#include <string>

#define SLICECHECK_COMPARISON(KEYWORD, A, B) KEYWORD template AssertionResult CmpHelperEQFailure(const char*, const char*, const A&, const B&);
#define SLICECHECK_ORDER(KEYWORD, A, B) KEYWORD template AssertionResult CmpHelperOpFailure(const char*, const char*, const A&, const B&, const char*);
#define SLICECHECK_COMPARISONS(KEYWORD)                        \
  SLICECHECK_COMPARISON(KEYWORD, double, double)               \
  SLICECHECK_COMPARISON(KEYWORD, float, float)                 \
  SLICECHECK_COMPARISON(KEYWORD, int, int)                     \
  SLICECHECK_COMPARISON(KEYWORD, long, int)                    \
  SLICECHECK_COMPARISON(KEYWORD, long, long)                   \
  SLICECHECK_COMPARISON(KEYWORD, unsigned long, unsigned int)  \
  SLICECHECK_COMPARISON(KEYWORD, unsigned long, unsigned long) \
  SLICECHECK_COMPARISON(KEYWORD, std::string, std::string)     \
  SLICECHECK_ORDER(KEYWORD, double, double)                    \
  SLICECHECK_ORDER(KEYWORD, int, int)                          \
  SLICECHECK_ORDER(KEYWORD, long, long)                        \
  SLICECHECK_ORDER(KEYWORD, unsigned long, unsigned int)       \
  SLICECHECK_ORDER(KEYWORD, unsigned long, unsigned long)

namespace testing::internal {
SLICECHECK_COMPARISONS(extern)
}  // namespace testing::internal

namespace testing {
extern template std::string PrintToString(const double&);
extern template std::string PrintToString(const int&);
extern template std::string PrintToString(const unsigned long&);
extern template std::string PrintToString(const std::string&);
}  // namespace testing
