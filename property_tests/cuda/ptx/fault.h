#pragma once
/// What the PTX machine refuses, and why.

#include <stdexcept>
#include <string>
#include <string_view>

namespace ptx {

/// The check that a kernel did not pass.
enum class Check {
  race,         ///< two accesses of one byte, one of them a write, that no barrier orders
  bounds,       ///< an access outside every allocation
  alignment,    ///< an address that is no multiple of the access's size
  unwritten,    ///< a read of memory that nothing wrote
  read_only,    ///< a write to memory that must not change
  barrier,      ///< a block barrier that some threads never reach, or reach elsewhere
  warp,         ///< a warp operation whose lanes do not agree with its mask
  control,      ///< a trap, or the end of the code without a return
  arithmetic,   ///< an operation whose result PTX leaves open (an integer division by zero)
  endless,      ///< more instructions than the limit allows
  launch,       ///< a launch that cannot be made: shape, arguments, shared memory
  unsupported,  ///< PTX that this machine does not know
};

/// "race", "bounds", …: the names above.
std::string_view name_of(Check check);

/// Thrown by everything in this folder.
struct Fault : std::runtime_error {
  Fault(Check which, const std::string& what) : std::runtime_error(what), check(which) {}
  Check check;
};

}  // namespace ptx
