"""Modules that were imported ahead of a run: the run finds what a cold one finds, and they are executed once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from conftest import Project
from fake_daemon import (
    ImportsObserved,
    Interpreter,
    ModuleOrigin,
    ProcessSpec,
    StageReady,
    Zygote,
    plain_environment,
    spec_for,
)

NOTE = "import os\nwith open(os.environ['EXECUTIONS'], 'a') as file: file.write(__name__ + '\\n')\n"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


class Installation:
    """A project, packages that are installed beside it, and zygotes that know of both."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root / "project")
        self.project.directory.mkdir()
        # The user's site-packages: an installation's directory that a test may fill.
        self.packages = root / "user" / "lib" / PYTHON / "site-packages"
        self.packages.mkdir(parents=True)
        self.executions = root / "executions"
        self.executions.touch()
        self.environment = plain_environment(
            PYTHONUSERBASE=str(root / "user"),
            PYTHONPATH=str(self.packages),
            EXECUTIONS=str(self.executions),
        )
        self.interpreter = Interpreter(environment=self.environment)
        self.interpreter.ready()

    def install(self, **modules: str) -> None:
        """NAME=text; each notes its execution. `a__b` is a/b.py in the package a."""
        for name, text in modules.items():
            path = self.packages / (name.replace("__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(NOTE + text)

    def spec(self, *args: str) -> ProcessSpec:
        return spec_for(self.project.directory, *args, environment=self.environment)

    def learn(self) -> tuple[list[Any], list[str]]:
        """What a cold run of the project says may be imported ahead."""
        imports = self.observed()
        return imports.preload, imports.no_preload

    def observed(self) -> ImportsObserved:
        """What a run tells of its imports."""
        selected, ready = self.select(self.interpreter)
        if ready.refusal == "":
            selected.start(self.spec()).wait()
        return selected.imports()

    def preload(self, learned: Optional[tuple[list[Any], list[str]]] = None) -> Zygote:
        preload = learned if learned is not None else self.learn()
        self.executions.write_text("")
        return self.interpreter.build(self.spec(), "preloaded", preload=preload)

    def select(self, zygote: Zygote) -> tuple[Zygote, StageReady]:
        configured = zygote.build(self.spec(), "configured")
        configured.ready()
        selected = configured.build(self.spec(), "selected")
        return selected, selected.ready()

    def declare(self, text: str) -> None:
        """In pyproject.toml, beside which there is another root."""
        (self.project.directory / "pytest.ini").write_text("[pytest]\n")
        (self.project.directory / "pyproject.toml").write_text(f"[tool.hearth]\n{text}\n")

    def executed(self) -> list[str]:
        return self.executions.read_text().split()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.interpreter.stop()


def passes(world: Installation, zygote: Zygote) -> None:
    selected, _ = world.select(zygote)
    run = selected.start(world.spec())
    assert run.exit_code() == 0, run.out()


@pytest.fixture
def heavy(world: Installation) -> Installation:
    """The package heavy, and a project that imports it in its conftest."""
    (world.packages / "heavy").mkdir()
    world.install(heavy__part="VALUE = 41\n", heavy__extra="import colors\n", colors="RED = 1\n")
    (world.packages / "heavy" / "__init__.py").write_text(
        NOTE + "from heavy import part\nVALUE = part.VALUE + 1\n"
    )
    world.project.write(
        conftest="import heavy",
        test_it="""
            import sys
            import heavy

            def test_value():
                assert heavy.VALUE == 42
                assert heavy.part is sys.modules["heavy.part"]
                assert heavy.__spec__.name == "heavy"
        """,
    )
    return world


def test_a_run_tells_what_may_be_imported_ahead_in_the_order_of_its_imports(
    heavy: Installation,
) -> None:
    modules, excluded = heavy.learn()
    names = [module.name for module in modules]
    assert [name for name in names if name.startswith("heavy")] == ["heavy", "heavy.part"]
    assert not {"conftest", "test_it", "pytest", "_pytest"} & set(names)
    assert "pytest_asyncio" not in names
    assert not set(excluded) & set(names)


def test_what_was_imported_ahead_is_not_executed_again(heavy: Installation) -> None:
    zygote = heavy.preload()
    assert zygote.ready().refusal == ""
    assert heavy.executed() == ["heavy", "heavy.part"]
    passes(heavy, zygote)
    passes(heavy, zygote)
    assert heavy.executed() == ["heavy", "heavy.part"]


def test_an_import_that_fails_is_told_as_ever(heavy: Installation) -> None:
    zygote = heavy.preload()
    zygote.ready()
    heavy.project.write(
        broken="raise ValueError('as asked')\n",
        test_it="""
            import traceback

            def test_it():
                try:
                    import broken
                except ValueError as error:
                    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
                assert names == ["test_it", "<module>"]
        """,
    )
    passes(heavy, zygote)


def test_a_run_does_not_see_what_it_has_not_imported(heavy: Installation) -> None:
    zygote = heavy.preload()
    zygote.ready()
    heavy.project.write(
        conftest="",
        test_it="""
            import sys

            def test_it():
                assert not [name for name in sys.modules if name.startswith("heavy")]
                import heavy.extra
                assert heavy.VALUE == 42
                assert sys.modules["colors"].RED == 1
        """,
    )
    passes(heavy, zygote)


def test_a_module_that_comes_first_on_the_runs_path_is_the_one_that_it_gets(
    heavy: Installation,
) -> None:
    zygote = heavy.preload()
    zygote.ready()
    heavy.project.write(
        heavy="VALUE = 'mine'",
        test_it="import heavy\ndef test_it(): assert heavy.VALUE == 'mine'\n",
    )
    passes(heavy, zygote)


def test_what_a_module_imports_is_looked_for_too(world: Installation) -> None:
    world.install(outer="import inner\nVALUE = inner.VALUE\n", inner="VALUE = 1\n")
    world.project.write(conftest="import outer", test_it="def test_it(): pass\n")
    zygote = world.preload()
    zygote.ready()
    world.project.write(inner="VALUE = 2")
    configured = zygote.build(world.spec(), "configured")
    rejected = configured.rejected()
    assert rejected.module == "outer"
    assert "inner" in rejected.reason


def test_a_module_that_looked_for_another_one_in_vain_is_executed_where_it_is_there(
    world: Installation,
) -> None:
    world.install(
        outer="try:\n    import accelerator\nexcept ImportError:\n    accelerator = None\n"
    )
    world.project.write(conftest="import outer", test_it="def test_it(): pass\n")
    zygote = world.preload()
    zygote.ready()
    passes(world, zygote)
    world.project.write(accelerator="")
    assert zygote.build(world.spec(), "configured").rejected().module == "outer"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import warnings; warnings.warn('old')", "it warns: old"),
        ("print('hello')", "it prints"),
        ("import logging; logging.warning('hello')", "it logs"),
        (
            "import threading; e = threading.Event()\nthreading.Thread(target=e.wait, daemon=True).start()",
            "it leaves running thread",
        ),
        ("import socket; s = socket.socket()", "it leaves open descriptor"),
        ("import sys; sys.path.append('/vendored')", "it changes sys.path"),
        ("import os; os.umask(0o71)", "it changes the umask"),
        (
            "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
            "it changes the resource limits",
        ),
        ("import sys; sys.setrecursionlimit(2345)", "it changes the recursion limit"),
        ("import signal; signal.signal(signal.SIGUSR1, print)", "it changes what signals do"),
        ("import builtins; builtins.loud = 1", "it changes builtins"),
        ("import json; json.dumps = print", "it changes json.dumps"),
    ],
    ids=lambda value: value if value.startswith("it ") else "",
)
def test_a_module_whose_import_a_run_could_notice_is_rejected(
    world: Installation, text: str, reason: str
) -> None:
    world.install(loud=text)
    world.project.write(conftest="import loud", test_it="def test_it(): pass\n")
    learned = world.learn()
    rejected = world.preload(learned).rejected()
    assert rejected.module == "loud"
    assert rejected.reason.startswith(reason)
    rest = [module for module in learned[0] if module.name != "loud"]
    zygote = world.preload((rest, learned[1]))
    assert zygote.ready().refusal == ""


def test_a_module_that_is_found_elsewhere_by_now_is_rejected(heavy: Installation) -> None:
    modules, excluded = heavy.learn()
    for module in modules:
        if module.name == "heavy":
            module.file = b"/elsewhere/heavy/__init__.py"
    assert heavy.preload((modules, excluded)).rejected().module == "heavy"


def test_what_pytest_rewrites_is_not_imported_ahead_by_others_either(world: Installation) -> None:
    world.install(user="import helper\n", helper="")
    world.project.write(
        conftest="import pytest\npytest.register_assert_rewrite('helper')\nimport user",
        test_it="def test_it(): pass\n",
    )
    modules, excluded = world.learn()
    assert "helper" in excluded
    rejected = world.preload((modules, excluded)).rejected()
    assert (rejected.module, "helper" in rejected.reason) == ("user", True)


def test_a_module_that_sets_variables_is_rejected(world: Installation) -> None:
    world.install(setter="import os; os.environ['SET'] = '1'\n")
    world.project.write(conftest="import setter", test_it="def test_it(): pass\n")
    rejected = world.preload().rejected()
    assert (rejected.module, rejected.reason) == ("setter", "it sets environment variables")


def test_a_variable_that_the_project_sets_before_the_import_counts(world: Installation) -> None:
    world.install(reader="import os\nVALUE = os.environ.get('MODE', 'none')\n")
    world.project.write(conftest="import reader", test_it="def test_it(): pass\n")
    zygote = world.preload()
    zygote.ready()
    world.project.write(conftest="import os\nos.environ['OTHER'] = 'x'\nimport reader")
    passes(world, zygote)
    world.project.write(conftest="import os\nos.environ['MODE'] = 'x'\nimport reader")
    rejected = zygote.build(world.spec(), "configured").rejected()
    assert rejected.module == ""
    assert "environment variable" in rejected.reason


def test_coverage_sees_every_line(heavy: Installation) -> None:
    zygote = heavy.preload()
    zygote.ready()
    heavy.project.write(
        conftest="import sys\nsys.settrace(lambda frame, event, argument: None)\nimport heavy"
    )
    assert "measures" in zygote.build(heavy.spec(), "configured").rejected().reason


def test_a_warning_filter_of_a_module_counts_from_its_import_on(world: Installation) -> None:
    world.install(quiet="import warnings; warnings.filterwarnings('ignore', 'noise')\n")
    world.project.write(
        conftest="",
        test_it="""
            import warnings
            def test_it():
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    warnings.warn("noise")
                    import quiet
                    warnings.warn("noise")
                assert len(caught) == 1
        """,
    )
    # Learned from a run that imported it.
    world.project.write(conftest="import quiet")
    learned = world.learn()
    world.project.write(conftest="")
    zygote = world.preload(learned)
    zygote.ready()
    passes(world, zygote)
    assert world.executed() == ["quiet"]


def test_what_a_project_declares_is_told(heavy: Installation) -> None:
    heavy.declare('preload = ["colors"]\nno_preload = ["heavy.extra"]')
    observed = heavy.observed()
    assert (observed.declared_preload, observed.declared_no_preload) == (
        ["colors"],
        ["heavy.extra"],
    )
    heavy.declare("preload = false")
    observed = heavy.observed()
    assert (observed.declared_preload, observed.declared_no_preload) == ([], ["*"])


def test_an_exit_function_is_that_of_a_run_that_imports_its_module(world: Installation) -> None:
    world.install(leaves="import atexit\natexit.register(lambda: print('BYE'))\n")
    world.project.write(conftest="import leaves", test_it="def test_it(): pass\n")
    zygote = world.preload()
    assert zygote.ready().refusal == ""
    for conftest, farewells in (("import leaves", 1), ("", 0)):
        world.project.write(conftest=conftest)
        selected, _ = world.select(zygote)
        run = selected.start(world.spec())
        assert run.exit_code() == 0
        assert run.out().count("BYE") == farewells


def test_what_a_stage_imported_is_told_though_it_is_retired_at_once(heavy: Installation) -> None:
    selected, _ = heavy.select(heavy.interpreter)
    selected.start(heavy.spec())
    selected.retire()
    assert "heavy" in [module.name for module in selected.imports().preload]


def test_what_a_refused_stage_imported_is_told_too(heavy: Installation) -> None:
    heavy.project.write(
        test_it="""
            import heavy, threading
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            def test_it(): pass
        """
    )
    selected, ready = heavy.select(heavy.interpreter)
    assert "thread" in ready.refusal
    assert "heavy" in [module.name for module in selected.imports().preload]


def test_a_declared_module_is_imported_ahead_from_wherever_it_is_installed(
    heavy: Installation,
) -> None:
    zygote = heavy.preload(([ModuleOrigin("colors", b""), ModuleOrigin("absent", b"")], []))
    assert zygote.ready().refusal == ""
    assert heavy.executed() == ["colors"]
    heavy.project.write(test_it="import colors\ndef test_it(): assert colors.RED == 1\n")
    passes(heavy, zygote)
    assert heavy.executed().count("colors") == 1


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ('no_preload = ["heavy.part"]', ["heavy.part"]),
        ('no_preload = ["heavy"]', ["heavy"]),
        ("preload = false", ["*"]),
    ],
)
def test_what_the_project_does_not_want_to_be_imported_ahead_serves_it_no_more(
    heavy: Installation, text: str, declared: list[str]
) -> None:
    zygote = heavy.preload()
    zygote.ready()
    heavy.declare(text)
    rejected = zygote.build(heavy.spec(), "configured").rejected()
    assert rejected.module
    assert rejected.declared_no_preload == declared


def test_a_declaration_that_allows_what_was_imported_ahead_changes_nothing(
    heavy: Installation,
) -> None:
    zygote = heavy.preload()
    zygote.ready()
    heavy.declare('no_preload = ["heavy.extra", "hea"]')
    passes(heavy, zygote)
    assert heavy.executed() == ["heavy", "heavy.part"]
