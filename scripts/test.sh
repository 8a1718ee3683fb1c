#!/usr/bin/env bash
# Usage: scripts/test.sh [--preset release|asan|tsan] [--label REGEX] [--skip-setup]
#        scripts/test.sh --lint [--skip-setup]
#
# Builds and tests. Without options: setup, lint (clang-format, shellcheck) and
# all tests of the release build. The sanitizer builds, AddressSanitizer (asan)
# and ThreadSanitizer (tsan), run when --preset names them.
#
#   --preset P     only the build P, all of its tests, no lint
#   --label REGEX  only tests with a label that matches, in the build P (release);
#                  no lint. 'nightly' runs the long tests, which nothing else does
#   --lint         clang-format, shellcheck and clang-tidy (slow), no tests
#   --skip-setup   do not look for missing packages and data
#
# Exit code: that of the first step that failed, 0 if none did. Results:
# build/<preset>/junit.xml.

# shellcheck disable=SC2317  # functions are also called by name, as steps
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

preset='' label='' lint='' setup=1
while (($#)); do
  case $1 in
    --preset) need_value "$1" $# && preset=$2 && shift ;;
    --label) need_value "$1" $# && label=$2 && shift ;;
    --lint) lint=1 ;;
    --skip-setup) setup= ;;
    -h | --help) usage && exit ;;
    *) bad_usage "unknown argument '$1'" ;;
  esac
  shift
done
[[ $preset =~ ^(release|asan|tsan)?$ ]] || bad_usage "--preset is release, asan or tsan, not '$preset'"
[[ -z $lint || -z $preset$label ]] || bad_usage "--lint takes neither --preset nor --label"

SLICECHECK_DATA=$(realpath -m -- "${SLICECHECK_DATA:-$root/data}")
export SLICECHECK_DATA
cd "$root"

trap 'exit 130' INT # a tool that catches Ctrl-C would only end its own step
first_failure=0 done_steps=()
# step NAME COMMAND...: runs it and goes on; the first failure decides the exit code.
step() {
  local name=$1 code=0
  shift
  say "$name"
  "$@" || code=$?
  if ((code)); then
    say "$name: FAILED (exit code $code)"
    ((first_failure)) || first_failure=$code
    done_steps+=("$name FAILED")
  else
    done_steps+=("$name ok")
  fi
}

# build PRESET: says what it took. From nothing, the release build has 1200 seconds of processor time: ten minutes on two cores.
build() {
  local TIMEFORMAT="build of $1: %0R seconds, %0U + %0S of processor time (a whole release build: at most 1200)"
  cmake --preset "$1" && time cmake --build --preset "$1"
}

# junit PRESET: the names of the tests that were reported as skipped, or none.
skipped_tests() {
  python3 - "build/$1/junit.xml" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
cases = tree.parse(sys.argv[1]).iter("testcase")
names = [c.get("name") for c in cases if c.find("skipped") is not None or c.get("status") in ("notrun", "disabled")]
print("\n".join("    " + name for name in names) or "    none")
PYTHON
}

# run_tests PRESET [LABEL REGEX]
run_tests() {
  local p=$1 code=0 tests=(--preset "$1")
  build "$p" || return
  # The presets leave the nightly tests out; here they are asked for.
  [[ ${2-} != *nightly* ]] || tests=(--test-dir "build/$p" -j2)
  rm -f "build/$p/junit.xml"
  # Two tests run at once: OpenMP's threads must not spin while the other one's wait for a core, and OpenBLAS is given none (cmake/SliceCheckTargets.cmake), but starts
  # and ends some with every program.
  OMP_WAIT_POLICY=passive OPENBLAS_NUM_THREADS=1 ctest "${tests[@]}" ${2:+-L "$2"} --no-tests=error --output-on-failure --output-junit "$PWD/build/$p/junit.xml" || code=$?
  if [[ ${2-} != *nightly* ]]; then
    echo "Left out of the $p build (label nightly):"
    ctest --test-dir "build/$p" -N -L nightly | sed -n 's/^ *Test *#[0-9]*: /    /p' | grep . || echo "    none"
  fi
  echo "Skipped in the $p build:"
  [[ ! -f build/$p/junit.xml ]] || skipped_tests "$p" || return
  if [[ $p == release && -f build/$p/junit.xml ]]; then
    echo "What the tests took, and their budgets (property_tests/budgets.json):"
    scripts/test_times.py "build/$p" || return
  fi
  return "$code"
}

# The tracked files that match; outside a git checkout, those of the source folders.
sources() {
  git ls-files -z -- "$@" 2>/dev/null && return
  local names=() pattern
  for pattern; do names+=(-o -name "$pattern"); done
  find . \( -path ./build -o -path ./data -o -path './.*' \) -prune -o \( "${names[@]:1}" \) -print0
}

check_format() {
  local files
  mapfile -d '' -t files < <(sources '*.cpp' '*.hpp' '*.h' '*.cu' '*.cuh')
  ((${#files[@]})) || { echo "found no C++ files to check" && return 1; }
  echo "${#files[@]} files"
  clang-format --dry-run -Werror "${files[@]}"
}

check_scripts() {
  shellcheck -x scripts/*.sh .ci/run
}

quick_lint() {
  step clang-format check_format
  if command -v shellcheck >/dev/null; then
    step shellcheck check_scripts
  else
    say "shellcheck was NOT run: it is not installed"
    done_steps+=("shellcheck NOT RUN")
  fi
}

# clang-tidy gets the compile commands of the release build with every file alone
# and without gcc's precompiled headers. clang also rejects Debian's LibTorch headers in C++20,
# because it looks into the constexpr std::vector of an incomplete type: for the
# files that use LibTorch the vector is read as the C++17 one.
check_tidy() {
  local targets=(slicecheck_build_info) # what is generated
  cmake --preset release -B build/tidy/all -DSLICECHECK_UNITY=OFF || return
  ! grep -q slicecheck_kernel_hash build/tidy/all/build.ninja || targets+=(slicecheck_kernel_hash)
  cmake --build build/tidy/all --target "${targets[@]}" || return
  cat >build/tidy/prelude.h <<'CPP'
#include <bits/stl_algobase.h>
#include <bits/allocator.h>
#include <bits/stl_construct.h>
#include <bits/stl_uninitialized.h>
#include <bits/range_access.h>
#include <bits/refwrap.h>
#pragma push_macro("_GLIBCXX20_CONSTEXPR")
#undef _GLIBCXX20_CONSTEXPR
#define _GLIBCXX20_CONSTEXPR
#define __fill_a1 __fill_a1_of_vector_bool
#include <vector>
#undef __fill_a1
#pragma pop_macro("_GLIBCXX20_CONSTEXPR")
CPP
  python3 - <<'PYTHON'
import json, os, shlex, subprocess
from concurrent.futures import ThreadPoolExecutor

folders = tuple(os.path.join(os.getcwd(), folder, "") for folder in ("src", "experiments"))
entries = []
for entry in json.load(open("build/tidy/all/compile_commands.json")):
    path = os.path.join(entry["directory"], entry["file"])
    if not path.startswith(folders) or not path.endswith(".cpp"):
        continue
    arguments = shlex.split(entry["command"])
    for at in [i for i, a in enumerate(arguments) if a.endswith("cmake_pch.hxx")][::-1]:
        del arguments[at - 1:at + 1]
    arguments.insert(1, "-Wno-unknown-warning-option")    # some of the flags are for g++ alone
    if "/torch/csrc" in entry["command"]:
        arguments[1:1] = ["-include", os.path.abspath("build/tidy/prelude.h")]
    entries.append({"directory": entry["directory"], "file": path, "arguments": arguments})
if not entries:
    exit("found no files to check")
json.dump(entries, open("build/tidy/compile_commands.json", "w"))

def tidy(path):
    command = ["clang-tidy", "--quiet", "-p", "build/tidy", "--warnings-as-errors=*", path]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # "N warnings generated" counts those in system headers, which nobody sees.
    lines = [line for line in run.stdout.splitlines() if not line.endswith(" generated.")]
    print("\n".join([("FAILED " if run.returncode else "ok     ") + os.path.relpath(path), *lines]), flush=True)
    return run.returncode

with ThreadPoolExecutor(2) as pool:
    failed = sum(code != 0 for code in pool.map(tidy, sorted({entry["file"] for entry in entries})))
print(f"clang-tidy: {len(entries)} files, {failed} with warnings")
exit(1 if failed else 0)
PYTHON
}

[[ -z $setup ]] || scripts/setup.sh

if [[ -n $lint ]]; then
  quick_lint
  step clang-tidy check_tidy
elif [[ -n $preset$label ]]; then
  step "${preset:-release} tests" run_tests "${preset:-release}" ${label:+"$label"}
else
  quick_lint
  step "release tests" run_tests release
  say "not run here: the sanitizer builds (scripts/test.sh --preset asan, scripts/test.sh --preset tsan)"
fi

summary=$(printf '%s; ' "${done_steps[@]}")
say "test.sh ran: ${summary%; }"
exit "$first_failure"
