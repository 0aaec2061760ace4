#!/bin/sh
# Installs what hearth needs to be built and tested on Debian 12 (or a relative of it), and only what is missing.
#
#   packaging/install-dependencies.sh          to build, test and run
#   packaging/install-dependencies.sh --dev    also what `make lint` and `make check-sanitizers` need
#
# Must be able to become root: as root itself, or through sudo. Python's test tools are not installed here: make puts
# them, pinned, into a virtual environment below build/.
set -eu

build="g++ cmake ninja-build pkg-config ccache git
  libzmq3-dev cppzmq-dev libmsgpack-cxx-dev libspdlog-dev libcli11-dev libexpected-dev nlohmann-json3-dev
  libxxhash-dev libgtest-dev libgmock-dev"
python="python3 python3-dev python3-venv"
dev="clang clang-format clang-tidy"

packages="$build"
# Another python (PYTHON=… make …) brings its own headers and venv module.
case "${PYTHON:-python3}" in
  python3 | /usr/bin/python3) packages="$packages $python" ;;
esac
for argument in "$@"; do
  case "$argument" in
    --dev) packages="$packages $dev" ;;
    *)
      echo "usage: $0 [--dev]" >&2
      exit 2
      ;;
  esac
done

if ! command -v apt-get >/dev/null; then
  echo "install-dependencies: there is no apt-get here; install the equivalents of:" $packages >&2
  exit 1
fi

missing=""
for package in $packages; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "install-dependencies: everything is there"
  exit 0
fi

if [ "$(id -u)" = 0 ]; then
  as_root=""
elif command -v sudo >/dev/null; then
  as_root="sudo"
else
  echo "install-dependencies: not root, and no sudo; ask an administrator for:$missing" >&2
  exit 1
fi
echo "install-dependencies: installing$missing"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
