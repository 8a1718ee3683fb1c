# shellcheck shell=bash
# Shared by the scripts in this folder: source it, do not run it.

# shellcheck disable=SC2034  # for the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '==> %s\n' "$*"; }
warn() { printf 'WARNING: %s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The comment at the head of the calling script is its help text.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }
bad_usage() {
  printf '%s: %s; see --help\n' "${0##*/}" "$*" >&2
  exit 2
}

# need_value OPTION COUNT: an option that takes a value was given one.
need_value() { (($2 >= 2)) || bad_usage "$1 needs a value"; }
