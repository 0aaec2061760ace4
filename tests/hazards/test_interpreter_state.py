"""What a test can ask Python about the process that it runs in: as in a cold run."""

from __future__ import annotations

import re

import pytest

from tests.hazards.conftest import Project

Mode = tuple[str, ...]


def test_names_paths_and_flags_are_those_of_a_cold_run(project: Project) -> None:
    project.write(
        "conftest.py", "import json, sys\nAT_CONFTEST = [list(sys.argv), list(sys.path)]\n"
    )
    project.write(
        "test_a.py",
        """
        import conftest, os, sys
        from telling import tell
        def test_a():
            main = sys.modules["__main__"]
            tell(argv=sys.argv, original=sys.orig_argv if hasattr(sys, "orig_argv") else None, path=sys.path,
                 flags=repr(sys.flags), executable=sys.executable, prefix=sys.prefix,
                 modules=sorted(name for name in sys.modules if not name.startswith("_hearth_runtime")),
                 main=[main.__name__, main.__file__, sorted(vars(main))], conftest=conftest.AT_CONFTEST,
                 cwd=os.getcwd(), meta_path=[repr(type(finder)) for finder in sys.meta_path],
                 limits=[sys.getrecursionlimit(), sys.getswitchinterval()],
                 encoding=[sys.stdout.encoding, sys.getfilesystemencoding()])
        """,
    )
    project.same("-q", "-k", "a")


def test_a_variable_set_by_a_conftest_before_an_import_is_read_by_it(
    project: Project, mode: Mode
) -> None:
    project.write(
        "conftest.py", "import os\nos.environ['SETTING'] = 'by conftest'\nimport settings\n"
    )
    project.write("settings.py", "import os\nSETTING = os.environ.get('SETTING', 'unset')\n")
    project.write(
        "test_a.py",
        """
        import os, subprocess, sys, settings
        from telling import tell
        def test_a():
            child = [sys.executable, "-c", "import os; print(os.environ.get('SETTING'), os.environ.get('OTHER'))"]
            tell(module=settings.SETTING, now=os.environ["SETTING"], other=os.environ.get("OTHER"),
                 child=subprocess.run(child, capture_output=True, text=True).stdout)
        """,
    )
    project.same(*mode)
    project.environment["OTHER"] = "of another terminal"
    project.same(*mode, runs=2)
    project.environment["SETTING"] = "of the user"
    project.same(*mode, runs=2)


def test_the_locale_is_the_runs_own(project: Project, mode: Mode) -> None:
    project.write("conftest.py", "import locale\nlocale.setlocale(locale.LC_ALL, '')\n")
    project.write(
        "test_a.py",
        """
        import locale, sys
        from telling import tell
        def test_a():
            tell(locale=locale.setlocale(locale.LC_ALL), preferred=locale.getpreferredencoding(False),
                 output=sys.__stdout__.encoding, utf8=sys.flags.utf8_mode)
        """,
    )
    for value in ("C.UTF-8", "C", "POSIX"):
        project.environment["LC_ALL"] = value
        project.same(*mode, runs=2)


def test_a_crash_shows_the_python_stack(project: Project) -> None:
    project.write(
        "test_a.py",
        """
        import faulthandler
        from telling import tell
        def test_state():
            tell(enabled=faulthandler.is_enabled())
        def test_crash():
            faulthandler._sigsegv()
        """,
    )
    cold, expected = project.cold()
    for _ in range(2):
        warm, told = project.warm()
        assert (warm.exit_code, told) == (cold.exit_code, expected)
        assert _without_hearth(_without_ids(warm.stderr)) == _without_ids(cold.stderr)
        assert "Segmentation fault" in warm.stderr


def _without_ids(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x…", text)


def _without_hearth(stack: str) -> str:
    """It is below pytest's script, and around one call of a hook."""
    return "".join(line for line in stack.splitlines(True) if "/pytest_hearth/" not in line)


def test_a_fault_handler_with_a_file_of_its_own_writes_there(project: Project) -> None:
    project.write(
        "conftest.py",
        "import faulthandler\nFILE = open(__file__.replace('conftest.py', 'fault.txt'), 'w')\nfaulthandler.enable(FILE)\n",
    )
    project.write(
        "test_a.py",
        """
        import faulthandler
        from conftest import FILE
        def test_a():
            faulthandler.dump_traceback(FILE)
        """,
    )
    written = project.hearth.project / "fault.txt"
    assert project.cold("-p", "no:faulthandler")[0].exit_code == 0
    expected = written.read_text()
    assert "test_a" in expected
    for _ in range(3):
        written.unlink()
        assert project.warm("-p", "no:faulthandler")[0].exit_code == 0
        # The frames of the test; those below it are of whoever started pytest.
        lines = _without_ids(written.read_text()).splitlines()[:10]
        assert lines == _without_ids(expected).splitlines()[:10]


def test_warning_filters_and_warnings_given_once_are_those_of_a_cold_run(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import warnings
        from noisy import make_noise
        warnings.simplefilter("error", BytesWarning)
        make_noise()
        """,
    )
    project.write(
        "noisy.py", "import warnings\ndef make_noise():\n    warnings.warn('noise', UserWarning)\n"
    )
    project.write(
        "test_a.py",
        """
        import warnings, noisy
        from telling import tell
        noisy.make_noise()
        def test_a():
            noisy.make_noise()
            tell(filters=[repr(entry) for entry in warnings.filters], once=len(warnings.onceregistry),
                 registry=sorted(repr(key) for key in getattr(noisy, "__warningregistry__", {})))
        def test_b():
            noisy.make_noise()
        """,
    )
    cold, expected = project.cold()
    for _ in range(3):
        warm, told = project.warm()
        assert told == expected
        assert warm.normal_stdout == cold.normal_stdout


@pytest.mark.parametrize("seed", ["0", "123"])
def test_a_hash_seed_of_the_user_is_the_runs_own(project: Project, mode: Mode, seed: str) -> None:
    project.write(
        "test_a.py",
        "from telling import tell\ndef test_a():\n    tell(hash=hash('word'), order=list({'a', 'b', 'c'}))\n",
    )
    project.each(*mode, runs=1)  # with no seed
    project.environment["PYTHONHASHSEED"] = seed
    project.same(*mode, runs=2)


def test_a_hash_seed_is_drawn_anew_with_each_interpreter(project: Project) -> None:
    project.write(
        "test_a.py", "from telling import tell\ndef test_a():\n    tell(hash=hash('word'))\n"
    )
    first, again = project.each(runs=2)
    assert first == again  # a zygote cannot change it: any cold run might have had this one
    assert project.hearth.command("stop").exit_code == 0
    (anew,) = project.each(runs=1)
    assert anew != first


def test_relative_entries_of_pythonpath_are_below_the_runs_directory(
    project: Project, mode: Mode
) -> None:
    test = "import inner, sys\nfrom telling import tell\ndef test_a():\n    tell(value=inner.VALUE, path=sys.path)\n"
    for name in ("one", "two"):
        project.write(f"{name}/source/inner.py", f"VALUE = {name!r}\n")
        project.write(f"{name}/test_{name}.py", test)
    for value in ("source:..", ":source:..", "../one/source::.."):
        project.environment["PYTHONPATH"] = value
        for name in ("one", "two"):
            directory = project.hearth.project / name
            cold, expected = project.cold(directory=directory)
            assert cold.exit_code == 0, str(cold)
            warm, told = project.warm(*mode, directory=directory)
            assert warm.exit_code == 0, str(warm)
            assert told == expected
