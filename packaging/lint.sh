#!/bin/sh
# Everything that is checked without running the code: packaging/lint.sh BUILD_DIRECTORY VENV
# All checks are made, also after one has failed; the last line counts them.
set -u
build=$1
bin=$2/bin
passed=0
failed=0

check() {
  name=$1
  shift
  echo "==== $name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "==== $name: failed"
  fi
}

clang_format() {
  git ls-files -z '*.h' '*.cc' | xargs -0 clang-format --dry-run -Werror
}

# What is installed; the tests are mostly GoogleTest's macros, and would take longer than all the rest.
clang_tidy() {
  git ls-files -z '*.cc' ':!*.gen.cc' ':!tests/*' ':!*/fuzz_*.cc' |
    xargs -0 -n 2 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>"$build/clang-tidy.log" ||
    { grep -v ' warnings\? generated\.$' "$build/clang-tidy.log" | head -50; return 1; }
}

ruff() { "$bin/ruff" check . && "$bin/ruff" format --check .; }

mypy() {
  "$bin/mypy" plugin-shim/pytest/pytest_hearth &&
    "$bin/mypy" --python-version 3.11 protocol/generate.py packaging tests
}

check clang-format clang_format
check clang-tidy clang_tidy
check ruff ruff
check mypy mypy
echo "$passed checks passed, $failed failed"
[ "$failed" = 0 ]
