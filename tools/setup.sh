#!/bin/bash
# Installs the Debian packages that building and testing need, and nothing when
# they are all there: no network and no root is needed then.
#
#   tools/setup.sh           build and test
#   tools/setup.sh --bench   also the engines that the benchmarks compare with
#   tools/setup.sh --dev     also clang, its sanitizers, -tidy and -format
set -euo pipefail

packages=(
  bazel-bootstrap bazel-rules-java g++ git
  flatbuffers-compiler
  libabsl-dev libboost-program-options-dev libcurl4-openssl-dev
  libflatbuffers-dev libre2-dev libsimdjson-dev libsodium-dev libsqlite3-dev
  libssl-dev libxxhash-dev libyaml-cpp-dev libzstd-dev nlohmann-json3-dev
  zlib1g-dev
  libbenchmark-dev libgmock-dev libgtest-dev
  bc e2fsprogs python3 strace xfsprogs
)

for option in "$@"; do
  case "$option" in
    --bench) packages+=(libleveldb-dev liblmdb-dev librocksdb-dev) ;;
    --dev) packages+=(clang clang-format clang-tidy libclang-rt-dev llvm) ;;
    *)
      echo "setup.sh: unknown option '$option'; known: --bench --dev" >&2
      exit 2
      ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup.sh: installs by apt-get, on Debian 12, and finds none here." >&2
  echo "setup.sh: provide what these packages hold: ${packages[*]}" >&2
  exit 1
fi

# Names dpkg has never heard of make it fail: they are simply not installed.
installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' \
  "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

as_root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "setup.sh: not root, and no sudo. As root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "setup.sh: installing ${missing[*]}"
apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
    apt-get -q -y -o Dpkg::Use-Pty=0 "$@" </dev/null
}
# A list that cannot be refreshed may still be good enough to install from.
apt_get update || echo "setup.sh: apt-get update failed; trying without" >&2
if ! apt_get install --no-install-recommends "${missing[@]}"; then
  echo "setup.sh: apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
