"""Tools that assume a cold start: coverage, logging, temporary directories, assertion rewriting."""

from __future__ import annotations

import json
import os
import re

from tests.hazards.conftest import Project

Mode = tuple[str, ...]

_PACKAGE = """
def at_import(value):
    if value:
        return 1
    return 2
X = at_import(True)

def called(value):
    if value:
        return "yes"
    return "no"

def never():
    return None
"""


def _measured(project: Project) -> None:
    project.write("package/__init__.py", _PACKAGE)
    project.write("package/late.py", "def f():\n    return 1\n")
    project.write("conftest.py", "import package\nLEVEL = package.X\n")
    project.write(
        "test_a.py",
        """
        from package import called
        from telling import tell
        tell()
        def test_yes():
            assert called(True) == "yes"
        def test_late():
            from package import late
            assert late.f() == 1
        """,
    )


def test_pytest_cov_reports_the_lines_of_a_cold_run(project: Project) -> None:
    _measured(project)
    options = ("--cov=package", "--cov-branch", "--cov-report=term-missing", "--cov-report=json")
    report = project.hearth.project / "coverage.json"
    cold, _ = project.cold(*options)
    expected = json.loads(report.read_text())["files"]
    assert expected["package/__init__.py"]["summary"]["covered_lines"] > 5
    for _ in range(3):
        report.unlink()
        warm, _ = project.warm(*options)
        assert warm.normal_stdout == cold.normal_stdout
        assert json.loads(report.read_text())["files"] == expected


def test_coverage_started_with_the_interpreter_measures_the_lines_of_a_cold_run(
    project: Project,
) -> None:
    """As `coverage` documents it for subprocesses: a .pth file and a variable."""
    _measured(project)
    project.write(
        "coveragerc",
        f"[run]\nsource = {project.hearth.project}/package\nbranch = true\nparallel = true\n",
    )
    project.environment["COVERAGE_PROCESS_START"] = str(project.hearth.project / "coveragerc")
    library = project.hearth.daemon.directory / "library"
    library.mkdir()
    (library / "sitecustomize.py").write_text("import coverage\ncoverage.process_startup()\n")
    project.environment["PYTHONPATH"] = str(library)
    expected = _combined(project, warm=False)
    assert expected["package/__init__.py"]["executed_lines"]
    for _ in range(2):
        assert _combined(project, warm=True) == expected


def _combined(project: Project, warm: bool) -> dict[str, dict[str, object]]:
    done, _ = project.warm() if warm else project.cold()
    assert done.exit_code == 0, str(done)
    settings = "--rcfile=coveragerc"
    coverage = str(project.hearth.daemon.python.with_name("coverage"))
    plain = {"COVERAGE_PROCESS_START": ""}
    for command in (("combine", settings), ("json", settings, "-o", "coverage.json")):
        done = project.hearth.run(coverage, *command, environment=plain)
        assert done.exit_code == 0, str(done)
    (project.hearth.project / ".coverage").unlink()
    files: dict[str, dict[str, object]] = json.loads(
        (project.hearth.project / "coverage.json").read_text()
    )["files"]
    return files


def test_a_log_file_of_each_worker_has_each_record_once(project: Project, mode: Mode) -> None:
    project.write(
        "conftest.py",
        """
        import logging, os
        from pathlib import Path
        logs = Path(__file__).parent / "logs"
        logs.mkdir(exist_ok=True)
        handler = logging.FileHandler(logs / (os.environ.get("PYTEST_XDIST_WORKER", "main") + ".log"), mode="w")
        logging.getLogger("project").addHandler(handler)
        logging.getLogger("project").warning("configured")
        """,
    )
    project.write(
        "test_a.py",
        """
        import logging, pytest
        from telling import tell
        logging.getLogger("project").warning("collected")
        @pytest.mark.parametrize("number", range(12))
        def test_a(number, worker_id):
            logging.getLogger("project").warning("test %s", number)
            tell(number=number)
        """,
    )
    logs = project.hearth.project / "logs"
    for run in (project.cold, project.warm, project.warm, project.warm):
        done, told = run(*mode)
        assert done.exit_code == 0, str(done)
        assert len(told) == 12
        names = ("gw0.log", "gw1.log") if mode else ("main.log",)
        texts = [(logs / name).read_text().splitlines() for name in names]
        for lines in texts:
            assert lines[:2] == ["configured", "collected"]
        tests = [line for lines in texts for line in lines[2:]]
        assert sorted(tests) == sorted(f"test {number}" for number in range(12))


def test_temporary_directories_are_laid_out_as_by_pytest_and_xdist(
    project: Project, mode: Mode
) -> None:
    project.write(
        "test_a.py",
        """
        import pytest
        from telling import tell
        @pytest.mark.parametrize("number", range(4))
        def test_a(tmp_path, tmp_path_factory, number):
            base = tmp_path_factory.getbasetemp()
            tell(name=tmp_path.name, empty=not list(tmp_path.iterdir()), below=str(tmp_path.relative_to(base)),
                 base=base.name.rstrip("0123456789"), parent=base.parent.name.rstrip("0123456789"))
            (tmp_path / "file").touch()
        """,
    )
    told = project.same(*mode, runs=2)
    assert {values["base"] for values in told} == ({"popen-gw"} if mode else {"pytest-"})
    project.same("--basetemp=here", *mode, runs=2)


def test_a_temporary_directory_made_while_configuring_is_each_runs_own(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import pytest
        @pytest.hookimpl(trylast=True)
        def pytest_configure(config):
            config.base = config._tmp_path_factory.getbasetemp()
        """,
    )
    project.write(
        "test_a.py",
        """
        from telling import tell
        def test_a(request, tmp_path_factory):
            assert request.config.base == tmp_path_factory.getbasetemp()
            tell(base=str(request.config.base))
        """,
    )
    runs = project.each()
    assert len({values["base"] for told in runs for values in told}) == len(runs)


def test_assertions_are_explained_wherever_a_cold_run_explains_them(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import pytest, registered_too_late
        pytest.register_assert_rewrite("registered", "registered_too_late")
        pytest_plugins = ["loaded_as_plugin"]
        import registered, unregistered
        def check(value):
            assert value == [1, 2]
        """,
    )
    names = ("registered", "unregistered", "registered_too_late", "loaded_as_plugin")
    for name in names:
        project.write(f"{name}.py", "def check(value):\n    assert value == [1, 2]\n")
    tests = "".join(
        f"def test_{name}():\n    import {name}\n    {name}.check([1])\n"
        for name in (*names, "conftest")
    )
    project.write("test_a.py", f"def test_here():\n    assert [1] == [1, 2]\n{tests}")
    cold = project.hearth.plain()
    assert re.search(r"At index|Right contains one more item", cold.stdout)
    for _ in range(3):
        assert project.hearth.pytest().normal_stdout == cold.normal_stdout


def test_a_bytecode_file_that_python_would_trust_is_trusted_warm_too(project: Project) -> None:
    """Two contents of one size and time: Python takes the first one's bytecode for the second. So does a warm run."""
    path = project.write("helper.py", "VALUE = 1\n")
    project.write(
        "test_a.py",
        "import helper\nfrom telling import tell\ndef test_a():\n    tell(value=helper.VALUE)\n",
    )
    assert project.same(runs=2) == [{"value": 1}]
    times = path.stat()
    path.write_text("VALUE = 2\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert project.same(runs=2) == [{"value": 1}]
    os.utime(path, (times.st_atime + 10, times.st_mtime + 10))
    assert project.same(runs=2) == [{"value": 2}]
