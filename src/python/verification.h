#pragma once
/// The claims, for Python.

#include <pybind11/pybind11.h>

namespace slicecheck::python {

/// Adds `verify` and `claims` to the module.
void add_verification(pybind11::module_& module);

}  // namespace slicecheck::python
