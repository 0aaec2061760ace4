"""As PyCharm runs tests: `python _jb_pytest_runner.py [--path PATH | --target ID …] [-- ARGUMENTS]`, and plugins as objects."""

import argparse
import os
import sys

import pytest
from _pytest.config import get_plugin_manager
from teamcity import pytest_plugin  # type: ignore[import-not-found]

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--path")
    parser.add_argument("--target", action="append", default=[])
    own, additional = parser.parse_known_args()
    sys.argv = [sys.argv[0], *[word for word in additional if word != "--"]]
    sys.argv += [own.path] if own.path else own.target
    arguments = [*sys.argv[1:], "--no-header", "--no-summary", "-q"]
    plugins: list[object] = (
        [] if get_plugin_manager().hasplugin("pytest-teamcity") else [pytest_plugin]
    )

    class Plugin:
        @staticmethod
        def pytest_configure(config: pytest.Config) -> None:
            workers = getattr(config.option, "numprocesses", None)
            print(f"##teamcity[parallel='{bool(workers)}']")

    os.environ["_JB_PPRINT_PRIMITIVES"] = "1"
    try:
        sys.exit(pytest.main(arguments, [*plugins, Plugin]))
    finally:
        print("##teamcity[finished]")
