#include "cuda/ptx/fault.h"

namespace ptx {

std::string_view name_of(Check check) {
  switch (check) {
    case Check::race: return "race";
    case Check::bounds: return "bounds";
    case Check::alignment: return "alignment";
    case Check::unwritten: return "unwritten";
    case Check::read_only: return "read_only";
    case Check::barrier: return "barrier";
    case Check::warp: return "warp";
    case Check::control: return "control";
    case Check::arithmetic: return "arithmetic";
    case Check::endless: return "endless";
    case Check::launch: return "launch";
    case Check::unsupported: return "unsupported";
  }
  return "";
}

}  // namespace ptx
