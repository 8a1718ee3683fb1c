#!/usr/bin/env bash
# Usage: scripts/fuzz.sh [--minutes N] [TARGET...]
#        scripts/fuzz.sh --list
#
# Fuzzes the readers of files (docs/robustness.md), one target after the other:
# property_tests/fuzz/TARGET.cpp, all of them where none is named. Builds them in
# the release build first.
#
#   --minutes N   minutes for each target (10)
#   --list        the targets
#   --build DIR   the build folder, which is then used as it is (build/release)
#   --ci          what ctest runs: 20 seconds, seed 1, from the committed inputs
#                 alone, nothing kept but what fails
#
# Inputs that reach new code are kept in BUILD/fuzz/corpus/TARGET, and the next
# run begins with them. An input that fails is kept in BUILD/fuzz/found.
# Exit code: 0 nothing was found, 1 something was, 2 bad usage.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

minutes=10 build='' ci='' targets=()
sources="$root/property_tests/fuzz"
list() { for file in "$sources"/*.cpp; do basename "$file" .cpp; done; }
while (($#)); do
  case $1 in
    --minutes) need_value "$1" $# && minutes=$2 && shift ;;
    --build) need_value "$1" $# && build=$(realpath -m -- "$2") && shift ;;
    --ci) ci=1 ;;
    --list) list && exit ;;
    -h | --help) usage && exit ;;
    -*) bad_usage "unknown argument '$1'" ;;
    *) targets+=("$1") ;;
  esac
  shift
done
[[ $minutes =~ ^[1-9][0-9]*$ ]] || bad_usage "--minutes is a whole number, at least 1, not '$minutes'"
((${#targets[@]})) || mapfile -t targets < <(list)
for target in "${targets[@]}"; do
  [[ $target =~ ^[a-z_]+$ && -f $sources/$target.cpp ]] || bad_usage "there is no target '$target'; the targets are $(list | paste -sd ' ')"
done

if [[ -z $build ]]; then
  build=$root/build/release
  (cd "$root" && cmake --preset release >/dev/null && cmake --build --preset release --target "${targets[@]/#/fuzz_}")
fi
found=$build/fuzz/found
mkdir -p "$found"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# fuzz TARGET: false where the target failed.
fuzz() {
  local target=$1 program=$build/bin/fuzz_$1 kept=$build/fuzz/corpus/$1 seconds=$((minutes * 60)) seed=0 code=0
  [[ -x $program ]] || die "$program is missing: build the target fuzz_$target; it needs clang++ with libFuzzer"
  if [[ $ci ]]; then
    kept=$scratch/$target seconds=20 seed=1
  fi
  mkdir -p "$kept"
  say "$target: $seconds seconds"
  # Files up to 4 kB; no piece of memory over 4 MiB, 2 GiB in all, no input that takes longer than 10 seconds.
  "$program" -max_total_time="$seconds" -seed="$seed" -max_len=4096 -malloc_limit_mb=4 -rss_limit_mb=2048 -timeout=10 \
    -dict="$sources/dictionaries/$target.dict" -artifact_prefix="$found/$target-" "$kept" "$sources/corpus/$target" >"$scratch/log" 2>&1 || code=$?
  if ((code == 0)); then
    grep -a '^Done' "$scratch/log"
    return
  fi
  grep -av '^#[0-9]' "$scratch/log" | tail -n 60
  grep -aE 'PROPERTY FAILED|ERROR: |runtime error: ' "$scratch/log" || true
  printf '%s: FAILED. To run the input again, and to make it smaller:\n' "$target"
  sed -n 's/.*Test unit written to //p' "$scratch/log" | while read -r file; do
    printf '  %q %q\n  %q -minimize_crash=1 -max_total_time=60 %q\n' "$program" "$file" "$program" "$file"
  done
  echo "Once it is mended, the input belongs into property_tests/fuzz/corpus/$target."
  return 1
}

failed=0
for target in "${targets[@]}"; do
  fuzz "$target" || failed=1
done
exit "$failed"
