"""Draws steps. The same seed gives the same steps, whatever the runs do; step k of a seed is the same however many follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from tests.staleness.site import VERSIONS
from tests.staleness.slots import FIRST, LAST, LINKS, MODE_PATHS, MODES, PAD, SLOTS, Slot
from tests.staleness.steps import Command, Edit, Step

# Arguments, and whether they mean the same to a run with workers (whose tests have no order).
_ARGUMENTS: tuple[tuple[tuple[str, ...], bool], ...] = (
    ((), True),
    (("-k", "facts"), True),
    (("-k", "not facts and not json"), True),
    (("-m", "slow"), True),
    (("-m", "not slow"), True),
    (("-x",), False),
    (("--maxfail=2",), False),
    (("-v",), True),
    (("-q",), True),
    (("-rA", "--tb=short"), True),
    (("-s",), True),
    (("-p", "named_plugin"), True),
    (("-p", "no:warnings"), True),
    (("-W", "error::UserWarning"), True),
    (("-W", "ignore::UserWarning"), True),
    (("-o", "python_functions=test_ check_"), True),
    (("-o", "python_files=test_*.py check_*.py"), True),
    (("--import-mode=importlib",), True),
    (("--deselect", "{project}/other/test_modules.py::test_late"), True),
    (("--ignore", "{project}/suite/deep"), True),
    (("--strict-markers",), True),
    (("--collect-only", "-q"), False),
    (("-c", "{project}/special.ini"), True),
    (("--rootdir", "{project}/suite"), True),
    (("--confcutdir", "{project}/suite"), True),
    (("--noconftest",), True),
    (("{project}/suite",), True),
    (("{project}/other",), True),
    (("{project}/suite/deep", "{project}/other"), True),
    (("{project}/other/test_environment.py",), True),
    (("{project}/other/test_installed.py::test_facts",), True),
    (("{project}/suite/test_cases.py::test_json",), True),
    (("{project}/suite/test_looks.py::test_facts", "{project}/suite/test_links.py"), True),
    (("{project}/suite/not_there.py",), False),
)
# They depend on what the run before left behind.
_CACHE_ARGUMENTS = (("--lf",), ("--ff",), ("--nf",), ("--lf", "--lfnf=none"), ("--sw",), ())

_VARIABLES: dict[str, tuple[str, ...]] = {
    **{
        name: ("one", "two", "")
        for name in (
            "ST_CONFTEST",
            "ST_BEFORE",
            "ST_PLUGIN",
            "ST_GET",
            "ST_ITEM",
            "ST_IN",
            "ST_GETENV",
            "ST_BYTES",
            "ST_SWEPT_1",
            "ST_SWEPT_2",
            "ST_NATIVE",
            "ST_UNREAD",
            "UNRELATED",
        )
    },
    "TZ": ("UTC", "Asia/Tokyo", "America/New_York"),
    "HOME": ("/root", "/nonexistent"),
    "PYTEST_ADDOPTS": ("-k 'not late'", "-v"),
    "PYTHONDONTWRITEBYTECODE": ("1",),
    "PYTHONHASHSEED": ("1", "2"),
    "PYTHONWARNINGS": ("ignore::UserWarning",),
    "PYTHONPATH": ("{library}", "{earlier}:{library}", "{library}:{earlier}"),
    "COLUMNS": ("60", "120"),
    "LC_ALL": ("C", "C.UTF-8"),
    "CI": ("true",),
}
_FIRST_NUMBERS = {path: FIRST for path, slot in SLOTS.items() if slot.present}
_DIRECTORIES = (".", "suite", "other")
_MODULE_PATHS = tuple(
    path for path, slot in SLOTS.items() if path.endswith(".py") and slot.required
)


class Generator:
    """Remembers what it has written where, so that most edits change something."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random()
        self._numbers = dict(_FIRST_NUMBERS)
        self._variables: dict[str, str] = {"PYTHONPATH": "{library}"}
        self._arguments: tuple[str, ...] = ()
        self._allows_workers = True
        self._workers = False
        self._directory = "."

    def steps(self) -> Iterator[Step]:
        yield Step(0, (), self._command())
        number = 0
        while True:
            number += 1
            self._random = Random(f"{self._seed}:{number}")
            yield self._step(number)

    def _step(self, number: int) -> Step:
        random = self._random
        edits = [
            self._written(path)
            for path, slot in SLOTS.items()
            if slot.required and path not in self._numbers and random.random() < 0.6
        ]
        count = random.choices((0, 1, 2, 5), (3, 12, 3, 1))[0]
        edits += [edit for _ in range(count) for edit in self._edit()]
        if random.random() < 0.03:
            # Nothing works any more after too many of those.
            edits = [Edit("restore")]
            self._numbers = dict(_FIRST_NUMBERS)
        if random.random() < 0.1:
            self._change_variable()
        if random.random() < 0.15:
            self._arguments, self._allows_workers = random.choice(_ARGUMENTS)
        elif random.random() < 0.15:
            self._arguments, self._allows_workers = (), True
        if random.random() < 0.06:
            self._directory = random.choice(_DIRECTORIES)
        if random.random() < 0.15:
            self._workers = not self._workers
        held = random.choice(("conftest", "module")) if edits and random.random() < 0.05 else None
        return Step(number, tuple(edits), self._command(), held)

    def _command(self) -> Command:
        arguments, uses_cache = self._arguments, False
        if not arguments and not self._workers and self._random.random() < 0.1:
            arguments, uses_cache = self._random.choice(_CACHE_ARGUMENTS), True
        return Command(
            arguments,
            tuple(sorted(self._variables.items())),
            self._directory,
            self._workers and self._allows_workers,
            uses_cache,
        )

    def _change_variable(self) -> None:
        name = self._random.choice(sorted(_VARIABLES))
        if name in self._variables and name != "PYTHONPATH" and self._random.random() < 0.5:
            del self._variables[name]
        else:
            self._variables[name] = self._random.choice(_VARIABLES[name])

    # -- edits ------------------------------------------------------------------------------------------------------------

    def _edit(self) -> list[Edit]:
        draws, weights = zip(*_KINDS)
        edits: list[Edit] = self._random.choices(draws, weights)[0](self)
        return edits

    def _slot(self) -> Slot:
        slots = list(SLOTS.values())
        return self._random.choices(slots, [slot.weight for slot in slots])[0]

    def _present(self) -> str:
        present = sorted(self._numbers)
        return self._random.choices(present, [SLOTS[path].weight for path in present])[0]

    def _alike(self, path: str, among: Iterable[str]) -> str:
        """A path with the same suffix."""
        suffix = path.rpartition(".")[2]
        return self._random.choice(sorted(other for other in among if other.endswith(suffix)))

    def _written(self, path: str, kind: str = "write", same_size: bool = False) -> Edit:
        number = self._random.randint(FIRST, LAST)
        if same_size:
            number += (self._numbers[path] - number) % PAD
            number -= PAD if number > LAST else 0
        self._numbers[path] = number
        return Edit(kind, (path, number))

    def _change(self) -> list[Edit]:
        return [self._written(self._slot().path)]

    def _replace(self) -> list[Edit]:
        return [self._written(self._present(), "replace")]

    def _same_size(self) -> list[Edit]:
        path = self._present()
        kinds = ("write", "replace", "disguise", "disguise_replacement")
        return [self._written(path, self._random.choice(kinds), SLOTS[path].plain)]

    def _back_and_forth(self) -> list[Edit]:
        path = self._present()
        return [Edit("write", (path, FIRST)), Edit("write", (path, self._numbers[path]))]

    def _delete(self) -> list[Edit]:
        path = self._present()
        del self._numbers[path]
        return [Edit("delete", (path,))]

    def _rename(self) -> list[Edit]:
        path = self._present()
        to = self._alike(path, SLOTS)
        number = self._numbers.pop(path)
        self._numbers[to] = number
        return [Edit("rename", (path, to))]

    def _exchange(self) -> list[Edit]:
        one = self._present()
        return [Edit("exchange", (one, self._alike(one, self._numbers)))]

    def _touch(self) -> list[Edit]:
        return [Edit("touch", (self._present(), self._random.choice((-3600, -1, 0, 1, 3600))))]

    def _chmod(self) -> list[Edit]:
        return [Edit("chmod", (self._random.choice(MODE_PATHS), self._random.choice(MODES)))]

    def _link(self) -> list[Edit]:
        path = self._random.choice(sorted(LINKS))
        return [Edit("link", (path, self._random.choice(LINKS[path])))]

    def _append(self) -> list[Edit]:
        return [Edit("append", (self._random.choice(_MODULE_PATHS), "\n"))]

    def _database(self) -> list[Edit]:
        return [Edit("database", (self._random.randint(FIRST, LAST),))]

    def _distribution(self) -> list[Edit]:
        choices = [Edit("install", (version,)) for version in (None, *VERSIONS)]
        choices += [Edit("install_editable", (flag,)) for flag in (True, False)]
        choices += [Edit("set_path_file", (flag,)) for flag in (True, False)]
        return [self._random.choice(choices)]

    def _bytecode(self) -> list[Edit]:
        return [Edit("forget_bytecode")]


_KINDS = (
    (Generator._change, 30),
    (Generator._replace, 8),
    (Generator._same_size, 14),
    (Generator._back_and_forth, 4),
    (Generator._delete, 10),
    (Generator._rename, 6),
    (Generator._exchange, 3),
    (Generator._touch, 8),
    (Generator._chmod, 3),
    (Generator._link, 8),
    (Generator._append, 2),
    (Generator._database, 3),
    (Generator._distribution, 7),
    (Generator._bytecode, 2),
)
