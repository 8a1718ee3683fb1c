#!/usr/bin/env bash
# Usage: scripts/sample.sh [RUN]
#
# Remakes reports/sample, the one report that is kept in git, from a run folder
# (reports/latest): report.md without its links to data files, which stay out of
# git, the plots as PNG, and a picture of the page for the README. Needs Debian's
# package chromium-headless-shell, or chromium.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
  -h | --help) usage && exit ;;
esac
run=$(realpath -e -- "${1:-$root/reports/latest}") || die "there is no run folder: start scripts/run.sh first"
[[ -f $run/report.md && -f $run/index.html ]] || die "$run has no report: start build/release/bin/slicecheck report $run first"
browser=$(command -v chromium-headless-shell || command -v chromium) || die "the picture of the page needs chromium: install Debian's package chromium-headless-shell"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/sample" "$work/sample/plots"
sed -e '/^<sub>Data: /d' -e "s#$run#reports/latest#g" "$run/report.md" >"$work/sample/report.md"
cp "$run"/plots/*.png "$work/sample/plots/"
timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,1290 \
  --user-data-dir="$work/browser" --screenshot="$work/sample/page.png" "file://$run/index.html" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2 && die "chromium could not take the picture (see above)"; }
[[ -s $work/sample/page.png ]] || die "chromium took no picture"
rm -rf "$root/reports/sample"
mv "$work/sample" "$root/reports/sample"
say "reports/sample: $(du -sh "$root/reports/sample" | cut -f1), from $run"
