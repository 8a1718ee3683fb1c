#!/usr/bin/env bash
# Usage: scripts/run.sh [--profile quick|full] [--seed N] [--out DIR] [--resume] [--skip-setup]
#
# Sets up, builds the program, runs the property tests that stand behind the
# claims, checks every claim, runs the experiments, asks for the regime and the
# assumptions of some trainings, writes the report page and points reports/latest
# at it.
#
#   --profile quick|full  how much to compute (quick)
#   --seed N              seed of every random number (1)
#   --out DIR             run folder (reports/<UTC date-time>-<profile>)
#   --resume              go on with an interrupted run: in DIR, or else in the
#                         newest run of that profile that has no page yet
#   --skip-setup          do not look for missing packages and data
#
# SLICECHECK_DATA names the data folder (data).
# Exit code: 0 every verdict is as declared, 1 one contradicts its declaration,
# 4 none does but one is inconclusive; in these three cases the page was made. 2 bad usage;
# anything else: an error, which the last lines name.

# shellcheck disable=SC2317  # functions are also called by name, as steps
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

profile=quick seed=1 out='' resume='' setup=1
while (($#)); do
  case $1 in
    --profile) need_value "$1" $# && profile=$2 && shift ;;
    --seed) need_value "$1" $# && seed=$2 && shift ;;
    --out) need_value "$1" $# && out=$(realpath -m -- "$2") && shift ;;
    --resume) resume=--resume ;;
    --skip-setup) setup= ;;
    -h | --help) usage && exit ;;
    *) bad_usage "unknown argument '$1'" ;;
  esac
  shift
done
[[ $profile == quick || $profile == full ]] || bad_usage "--profile is quick or full, not '$profile'"
[[ $seed =~ ^[0-9]+$ ]] || bad_usage "--seed is a whole number, not '$seed'"

SLICECHECK_DATA=$(realpath -m -- "${SLICECHECK_DATA:-$root/data}")
export SLICECHECK_DATA
cd "$root"

if [[ -z $out && -n $resume ]]; then
  for folder in reports/[0-9]*-"$profile"; do # the names sort by date
    [[ -d $folder && ! -e $folder/index.html ]] && out=$PWD/$folder
  done
  [[ -n $out ]] || die "there is no unfinished $profile run in reports/ to resume: start one without --resume, or name its folder with --out"
fi
: "${out:=$PWD/reports/$(date -u +%Y%m%d-%H%M%S)-$profile}"

# must WHAT COMMAND...: runs a step that the rest needs, and stops with its exit code.
must() {
  local what=$1 code=0
  shift
  say "$what"
  "$@" || code=$?
  ((code == 0)) && return
  printf 'run.sh: stopped, because this failed with exit code %d: %s\n' "$code" "$what" >&2
  [[ ! -d $out ]] || printf 'run.sh: to go on from there: scripts/run.sh --resume --profile %s --seed %s --out %q\n' "$profile" "$seed" "$out" >&2
  exit "$code"
}

[[ -z $setup ]] || scripts/setup.sh
must "Configuring the build" cmake --preset release
must "Building the program and its property tests" cmake --build --preset release --target slicecheck-app property_tests

# The report says of every claim whether its property test passed: a failure is shown there and stops nothing.
say "Running the property tests"
ctest --preset release -L property --no-tests=error --output-on-failure | tail -n 12 ||
  warn "a property test failed; the report shows the claims that it stands behind as not covered"

slicecheck=build/release/bin/slicecheck
common=(--profile "$profile" --seed "$seed" --out "$out")
mkdir -p "$out" || die "the run folder $out cannot be made: name another with --out"

verdict=0
# judged COMMAND...: runs a command that judges, and remembers the gravest verdict of all.
judged() {
  local code=0
  "$@" || code=$?
  case $code in
    0) ;;
    1) verdict=1 ;; # one contradicts its declaration
    4) ((verdict)) || verdict=4 ;; # one is inconclusive: all three are worth a report
    *) return "$code" ;;
  esac
}
must "Checking the claims ($profile, seed $seed) into $out" judged "$slicecheck" verify "${common[@]}"
must "Running the experiments" judged "$slicecheck" experiment run clarke-set calibration complexity flow-limit npsgd-neighbourhood npsgd-guidelines \
  plane-sgd plane-npsgd fashion-mnist plane-gan mnist-gan faces-max-sw p-not-2 transport-bounds transport-plane mnist-transport "${common[@]}" ${resume:+"$resume"}
# What the program says of a user's training, on FashionMNIST: answers, not verdicts, so that codes 1 and 4 are as good as 0.
answered() {
  local code=0
  "$@" || code=$?
  ((code == 0 || code == 1 || code == 4)) || return "$code"
}
for training in flow noise ball; do
  must "Asking for the regime of experiments/trainings/fashion-$training.toml" answered "$slicecheck" regime "experiments/trainings/fashion-$training.toml" \
    --seed "$seed" --out "$out" ${resume:+"$resume"}
done
for training in experiments/trainings/fashion-audit-*.toml; do
  must "Auditing $training" answered "$slicecheck" audit "$training" --seed "$seed" --out "$out"
done
must "Writing the report" "$slicecheck" report "$out"

# Switch reports/latest in one step; relative where the run is inside reports/.
mkdir -p reports
link=reports/.latest.$$
ln -s "$(realpath --relative-base=reports -- "$out")" "$link"
mv -Tf "$link" reports/latest

case $verdict in
  0) say "Every verdict is as declared" ;;
  1) say "At least one verdict CONTRADICTS its declaration (exit code 1)" ;;
  4) say "No verdict contradicts its declaration, but at least one is inconclusive (exit code 4)" ;;
esac
echo "$PWD/reports/latest/index.html"
exit "$verdict"
