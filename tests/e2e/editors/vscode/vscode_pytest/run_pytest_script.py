"""As the VS Code extension runs tests: `python run_pytest_script.py ARGUMENTS`, the tests' ids from $RUN_TEST_IDS_PIPE."""

import os
import pathlib
import sys
import sysconfig

import pytest

os.environ["PATH"] = sysconfig.get_paths()["scripts"] + os.pathsep + os.environ["PATH"]

if __name__ == "__main__":
    sys.path.append(os.fspath(pathlib.Path(__file__).parent.parent))
    sys.path.insert(0, os.getcwd())
    ids = pathlib.Path(os.environ["RUN_TEST_IDS_PIPE"]).read_text(encoding="utf-8").splitlines()
    print("Running pytest with args:", [*sys.argv[1:], *ids])
    pytest.main(["-p", "vscode_pytest", *sys.argv[1:], *ids])
