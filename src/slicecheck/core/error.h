#pragma once
/// Errors. Each says what was wrong, with the offending value, and what was expected.

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace slicecheck {

/// Base of every exception that SliceCheck throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller gave something that cannot be used: a file, an argument, a setting. The program ends with exit code 2.
class InputError : public Error {
 public:
  using Error::Error;
};

/// Throws `InputError` with an fmt-formatted sentence.
template <class... Args>
[[noreturn]] void reject(fmt::format_string<Args...> sentence, Args&&... args) {
  throw InputError(fmt::format(sentence, std::forward<Args>(args)...));
}

}  // namespace slicecheck
