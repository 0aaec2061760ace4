"""The files of the generated project: where each one is, and what may stand in it.

Every path that is ever written is a slot. Its content follows from one number, so that an edit is a path and a number, and a
test that reports the number has said which content its process read. Two numbers with equal remainders by PAD give contents
of the same size in slots that are `plain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.staleness import sources

PAD = 9
FIRST, LAST = 1000, 9999  # all numbers have the same width


@dataclass(frozen=True)
class Slot:
    """`path` is relative to the world. `required`: the project hardly works without; `weight`: how often it is edited."""

    path: str
    content: Callable[[int], str]
    present: bool = True
    required: bool = False
    plain: bool = True
    weight: int = 2


def _python(source: str) -> Callable[[int], str]:
    def content(number: int) -> str:
        return source.replace("@N@", str(number)).lstrip("\n") + "#" * (number % PAD) + "\n"

    return content


def _text(number: int) -> str:
    return f"{number}" + "." * (number % PAD) + "\n"


def _json(number: int) -> str:
    values = ", ".join(str(number + index) for index in range(3))
    return f'{{"number": {number}, "cases": [{values}]' + " " * (number % PAD) + "}\n"


def _settings(number: int) -> str:
    return f"[section]\nnumber = {number}\n" + "#" * (number % PAD) + "\n"


def _ini(section: str) -> Callable[[int], str]:
    lines = (
        "markers = slow: takes long",
        "python_functions = test_ check_",
        "addopts = -v",
        "addopts = -k 'not more'",
        "filterwarnings = error::UserWarning",
        "norecursedirs = deep",
        "testpaths = other",
        "usefixtures = level",
        "python_files = test_*.py check_*.py",
        "xfail_strict = true",
    )

    def content(number: int) -> str:
        return f"[{section}]\n{lines[number % len(lines)]}\n# {number}\n"

    return content


def _toml(number: int) -> str:
    values = ("addopts = '-q'", "addopts = ['-k', 'not facts']", "python_files = ['test_m*.py']")
    text = f"number = {number}\n"
    if number % 2:
        text = f"[tool.pytest.ini_options]\n{values[number % len(values)]}\n"
    return f"[tool.other]\n{text}"


_DATA = (
    Slot("project/data/plain.txt", _text),
    Slot("project/data/module.txt", _text),
    Slot("project/data/config.json", _json),
    Slot("project/data/cases.json", _json, required=True),
    Slot("project/data/settings.ini", _settings),
    Slot("project/data/native.txt", _text),
    Slot("project/data/mapped.txt", _text),
    Slot("project/data/descriptor.txt", _text),
    Slot("project/data/relative.txt", _text),
    Slot("project/data/sometimes.txt", _text, present=False),
    *(Slot(f"project/data/listed/{name}.case", _text, present=name < "d") for name in "abcde"),
    *(
        Slot(f"project/data/globbed/{name}.txt", _text, present=name < "b", weight=1)
        for name in "abc"
    ),
    Slot("project/data/tree/one/leaf.txt", _text, weight=1),
    Slot("project/data/tree/two/leaf.txt", _text, present=False, weight=1),
    *(
        Slot(f"project/data/{kind}/{name}", _text, present=name != "three", weight=1)
        for kind in ("exists", "times", "sizes", "access", "kinds", "lstat", "paths")
        for name in ("one", "three")
    ),
    Slot("project/data/targets/first.txt", _text, weight=1),
    Slot("project/data/targets/second.txt", _text, weight=1),
    Slot("project/data/targets/absent.txt", _text, present=False, weight=1),
    Slot("project/data/targets/d1/value.txt", _text, weight=1),
    Slot("project/data/targets/d2/value.txt", _text, weight=1),
    Slot("project/outside.txt", _text),  # nobody reads it
)

_MODULES = (
    Slot("project/pkg/__init__.py", _python(sources.PACKAGE), required=True),
    Slot("project/pkg/alpha.py", _python(sources.ALPHA), required=True),
    Slot("project/pkg/beta.py", _python(sources.BETA), required=True),
    Slot("project/pkg/late.py", _python(sources.PLAIN_MODULE), required=True),
    Slot("project/pkg/optional.py", _python(sources.PLAIN_MODULE), present=False),
    Slot("project/pkg/shadowed.py", _python(sources.PLAIN_MODULE), required=True),
    Slot(
        "project/pkg/shadowed/__init__.py", _python(sources.PLAIN_MODULE), present=False, weight=1
    ),
    Slot("project/pkg/sub/__init__.py", _python(sources.PLAIN_MODULE), weight=1),
    Slot("project/pkg/sub/gamma.py", _python(sources.PLAIN_MODULE), required=True),
    Slot("library/library_module.py", _python(sources.PLAIN_MODULE), required=True),
    Slot("earlier/library_module.py", _python(sources.PLAIN_MODULE), present=False, weight=1),
    Slot("library/declared_plugin.py", _python(sources.PLUGIN), required=True),
    Slot("library/named_plugin.py", _python(sources.NAMED_PLUGIN), required=True),
    Slot("editable/edited/__init__.py", _python(sources.PLAIN_MODULE), required=True, weight=1),
    Slot("extra/extra_module.py", _python(sources.PLAIN_MODULE), required=True, weight=1),
)

_TESTS = (
    Slot("project/conftest.py", _python(sources.CONFTEST), required=True, weight=3),
    Slot("project/suite/conftest.py", _python(sources.INNER_CONFTEST), weight=2),
    Slot("project/suite/deep/conftest.py", _python(sources.INNER_CONFTEST), present=False),
    Slot("project/other/conftest.py", _python(sources.OTHER_CONFTEST), present=False),
    Slot("project/suite/__init__.py", _python("# @N@"), present=False, weight=1),
    Slot("project/other/__init__.py", _python("# @N@"), present=False, weight=1),
    Slot("project/suite/test_files.py", _python(sources.TEST_FILES), required=True, weight=5),
    Slot("project/suite/test_looks.py", _python(sources.TEST_LOOKS), required=True, weight=5),
    Slot("project/suite/test_links.py", _python(sources.TEST_LINKS), required=True, weight=5),
    Slot("project/suite/test_cases.py", _python(sources.TEST_CASES), required=True, weight=5),
    Slot("project/suite/deep/test_deep.py", _python(sources.TEST_DEEP), required=True, weight=5),
    Slot("project/other/test_modules.py", _python(sources.TEST_MODULES), required=True, weight=5),
    Slot(
        "project/other/test_environment.py",
        _python(sources.TEST_ENVIRONMENT),
        required=True,
        weight=5,
    ),
    Slot(
        "project/other/test_installed.py", _python(sources.TEST_INSTALLED), required=True, weight=5
    ),
    Slot("project/other/test_added.py", _python(sources.TEST_SMALL), present=False, weight=3),
    Slot("project/other/check_added.py", _python(sources.TEST_SMALL), present=False, weight=1),
    Slot("project/suite/test_same_name.py", _python(sources.TEST_SMALL), present=False, weight=1),
    Slot("project/other/test_same_name.py", _python(sources.TEST_SMALL), present=False, weight=1),
)

_SETTINGS = (
    Slot("project/pytest.ini", _ini("pytest"), present=False, plain=False),
    Slot("project/tox.ini", _ini("pytest"), present=False, plain=False, weight=1),
    Slot("project/setup.cfg", _ini("tool:pytest"), present=False, plain=False, weight=1),
    Slot("project/pyproject.toml", _toml, present=False, plain=False),
    Slot("project/suite/pytest.ini", _ini("pytest"), present=False, plain=False, weight=1),
    Slot("project/special.ini", _ini("pytest"), plain=False, weight=1),
)

SLOTS: dict[str, Slot] = {slot.path: slot for slot in _DATA + _MODULES + _TESTS + _SETTINGS}

# Symbolic links: their path, and what they may lead to.
LINKS: dict[str, tuple[str, ...]] = {
    "project/data/links/file": ("../targets/first.txt", "../targets/second.txt"),
    "project/data/links/dangling": ("../targets/absent.txt", "../targets/first.txt"),
    "project/data/links/directory": ("../targets/d1", "../targets/d2"),
    "project/data/links/named": ("one", "two", "three"),
    "project/data/links/module.py": ("../../pkg/late.py", "../../pkg/sub/gamma.py"),
}

# Files that are only asked for their permissions.
MODES = (0o644, 0o755, 0o600)
MODE_PATHS = ("project/data/access/one", "project/data/kinds/one")

# An SQLite database, which is read by native code.
DATABASE = "project/data/base.sqlite"
