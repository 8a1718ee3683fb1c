#!/usr/bin/env bash
# Usage: scripts/bench.sh [--json FILE] [--out RUN] [--quick] [--only NAME,...]
#                         [--without-peers] [--skip-setup]
#
# Builds and runs the benchmark: how fast the loss, its gradient, trainings and
# the rest are, against LibTorch, NumPy, POT (where /usr/bin/python3 has them) and
# against what the machine allows. Every candidate is checked against the
# definition before anything is timed. Prints tables of medians and of their
# ratios. About five minutes on two cores; docs/performance.md says how to read it.
#
#   --json FILE      write the figures there too
#   --out RUN        write them to RUN/benchmark.json: 'slicecheck report RUN'
#                    then has a page "Performance"
#   --quick          a minute: few rounds, smaller sizes; for a first look
#   --only NAME,...  only these parts: loss, value, training, memory, growth, transport, others
#   --without-peers  do not ask Python's libraries
#   --skip-setup     do not look for missing packages and data
#
# Close what else runs: ratios bear a busy machine, times do not.
# Exit code: 0; 1 where a candidate is wrong, and then nothing was timed; 2 bad
# usage; anything else: an error, which the last lines name.

# shellcheck disable=SC2317  # functions are also called by name, as steps
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

json='' out='' setup=1 arguments=()
while (($#)); do
  case $1 in
    --json) need_value "$1" $# && json=$(realpath -m -- "$2") && shift ;;
    --out) need_value "$1" $# && out=$(realpath -m -- "$2") && shift ;;
    --only) need_value "$1" $# && arguments+=(--only "$2") && shift ;;
    --quick | --without-peers) arguments+=("$1") ;;
    --skip-setup) setup= ;;
    -h | --help) usage && exit ;;
    *) bad_usage "unknown argument '$1'" ;;
  esac
  shift
done
for file in "$json" "${out:+$out/benchmark.json}"; do
  [[ ! -d $file ]] || bad_usage "the figures cannot be written to $file: it is a folder"
done

data=$(realpath -m -- "${SLICECHECK_DATA:-$root/data}")
cd "$root"

[[ -z $setup ]] || scripts/setup.sh
say "Building the benchmark"
[[ -f build/release/build.ninja ]] || cmake --preset release >/dev/null
cmake --build --preset release --target benchmarks

# One pool of threads at a time: OpenBLAS and OpenMP spinning side by side slow small steps down.
export OPENBLAS_NUM_THREADS=1
first=${json:-${out:+$out/benchmark.json}}
say "Measuring"
build/release/bin/slicecheck_bench --compare --data "$data" ${first:+--json "$first"} "${arguments[@]}"

if [[ -n $out && -n $json ]]; then
  mkdir -p "$out"
  cp -- "$json" "$out/.benchmark.json.$$" && mv -f -- "$out/.benchmark.json.$$" "$out/benchmark.json"
fi
[[ -z $out ]] || say "$out/benchmark.json: build/release/bin/slicecheck report $out draws it"
