"""The projects whose output is compared: slices of real suites, and small ones of our own that are odd in every way."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.real.install import install
from tests.real.suites import SUITES
from tests.support.environments import BUILD, make_environment

_REQUIREMENTS = Path(__file__).parents[1] / "e2e" / "requirements" / "current.txt"

_ODD = {
    "pytest.ini": """
        [pytest]
        markers =
            slow: takes its time
            fast(reason): takes none
        log_file_level = INFO
        """,
    "conftest.py": '''
        import pytest

        def pytest_report_header(config):
            return "of the project"

        def pytest_terminal_summary(terminalreporter):
            terminalreporter.section("of the project")
            terminalreporter.line("a line of its own", yellow=True)

        @pytest.fixture(scope="session")
        def connection():
            """A connection that everybody shares."""
            yield "connection"

        @pytest.fixture(params=["one", "two"])
        def choice(request, connection):
            """Either."""
            return request.param

        @pytest.fixture
        def broken():
            print("before it breaks")
            raise ValueError("no fixture today")

        @pytest.fixture
        def breaking():
            yield
            print("while it breaks")
            raise ValueError("no teardown today")
        ''',
    "test_mixed.py": '''
        import logging, os, sys, time, unittest, warnings
        import pytest

        log = logging.getLogger("odd")

        @pytest.mark.parametrize("number", range(12))
        def test_passes(number):
            print("hello", number)

        def test_fails():
            """Fails."""
            print("to stdout")
            print("to stderr", file=sys.stderr)
            log.warning("a warning of %s", "mine")
            left, right = {"a": [1, 2, 3], "b": "x" * 100}, {"a": [1, 2, 4], "b": "x" * 99 + "y"}
            assert left == right

        def test_fails_deep():
            def inner(depth):
                return inner(depth - 1) if depth else {}["missing"]
            try:
                inner(2)
            except KeyError as error:
                raise RuntimeError("wrapped \\N{SNOWMAN}") from error

        @pytest.mark.skip(reason="not today")
        def test_skipped():
            pass

        def test_skips_itself():
            pytest.skip("inside")

        @pytest.mark.xfail(reason="known")
        def test_known():
            assert 0

        @pytest.mark.xfail(reason="was known")
        def test_mended():
            pass

        @pytest.mark.xfail(strict=True)
        def test_mended_strictly():
            pass

        @pytest.mark.fast("it is")
        def test_warns():
            warnings.warn("careful")
            warnings.warn("old", DeprecationWarning)

        def test_error(broken):
            pass

        def test_error_after(breaking):
            assert 0, "and the test too"

        def test_logs(choice):
            log.info("info of %s", choice)
            log.error("error of %s", choice)

        def test_capture(capsys, tmp_path, monkeypatch):
            print("captured")
            assert capsys.readouterr().out == "captured\\n"
            assert tmp_path.exists()

        @pytest.mark.slow
        def test_slow():
            time.sleep(0.2)

        class TestClass:
            def test_method(self, record_property):
                record_property("colour", "blue")

        class TestUnit(unittest.TestCase):
            def setUp(self):
                self.addCleanup(print, "cleaned up")

            def test_unit(self):
                self.assertEqual(1, 2, "of unittest")

            def test_parts(self):
                for number in range(3):
                    with self.subTest(number=number):
                        self.assertNotEqual(number, 1)
        ''',
    "deeper/inside/test_deep.py": '''
        """A module.

        >>> 1 + 1
        3
        """
        import os

        def double(number):
            """Twice.

            >>> double(2)
            4
            """
            return 2 * number

        def test_deep():
            assert double(2) == 4

        def test_child():
            os.system("echo from a child")
            os.write(2, b"raw\\n")
        ''',
    "notes.txt": """
        Some text.

        >>> sorted([2, 1])
        [1, 2]
        """,
    "words.txt": """
        -v
        -k
        passes and not 3
        """,
}

_BROKEN = {
    "test_import.py": "import no_such_module\n",
    "test_syntax.py": "def test_a(:\n    pass\n",
    "test_skip.py": "import pytest\npytest.skip('the whole file', allow_module_level=True)\n",
    "test_warns.py": "import warnings\nwarnings.warn('at import')\nassert [1] == [2]\n",
    "test_fine.py": "def test_fine():\n    pass\n",
}

_CONFTEST = {"conftest.py": "import no_such_module\n", "test_a.py": "def test_a(): pass\n"}

_INTERRUPTED = {
    "test_a.py": "def test_a(): pass\ndef test_b(): raise KeyboardInterrupt\ndef test_c(): pass\n",
    "test_exit.py": "import pytest\ndef test_exit(): pytest.exit('enough', returncode=7)\n",
}

_WRITING = {
    "conftest.py": """
        import atexit, os, sys
        print("at import")
        os.write(2, b"raw at import\\n")
        atexit.register(print, "at exit")
        def pytest_configure(config):
            print("at configure")
        def pytest_unconfigure(config):
            print("at unconfigure")
            sys.stderr.write("stderr at unconfigure\\n")
        """,
    "test_a.py": """
        import os, sys
        def test_a():
            print("printed", file=sys.stderr)
            os.system("echo from a child")
        def test_reads():
            print(repr(sys.stdin.read() if not sys.stdin.isatty() else "a terminal"))
        """,
}

_INTERNAL = {
    "conftest.py": "def pytest_runtest_setup(item):\n    raise ValueError('a hook is broken')\n"
    "def pytest_runtest_logreport(report):\n    raise ValueError('it is')\n",
    "test_a.py": "def test_a(): pass\n",
}

_OWN: dict[str, dict[str, str]] = {
    "odd": _ODD,
    "broken": _BROKEN,
    "conftest": _CONFTEST,
    "interrupted": _INTERRUPTED,
    "writing": _WRITING,
    "internal": _INTERNAL,
    "empty": {},
}


@dataclass(frozen=True)
class World:
    """A project, and the interpreter that has its pytest."""

    python: Path
    directory: Path


def make_world(name: str, below: Path, python: str = sys.executable) -> World:
    """A fresh copy of the project below that directory. Needs the package registry the first time."""
    directory = below / name
    if name in _OWN:
        interpreter = make_environment(BUILD / "e2e" / "current", _REQUIREMENTS, python)
        for path, text in _OWN[name].items():
            file = directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).lstrip("\n"))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "pytest.ini").touch()  # ends the search for one
        return World(interpreter.parent.resolve() / "python", directory)
    (suite,) = (suite for suite in SUITES if suite.name == name)
    installation = install(suite, python)
    ignored: Callable[..., set[str]] = shutil.ignore_patterns(".pytest_cache", "__pycache__")
    shutil.copytree(installation.directory, directory, ignore=ignored)
    if not any((directory / file).exists() for file in ("pyproject.toml", "tox.ini")):
        (directory / "pytest.ini").touch()
    # As the scripts beside it name it, whatever link has led there.
    return World(installation.python.parent.resolve() / "python", directory)
