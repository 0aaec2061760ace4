"""The suites of the plugin matrix: what each plugin is used for, and where to look for what it writes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.compat import artefacts

Reader = Callable[[Path, str], dict[str, Any]]


@dataclass(frozen=True)
class Suite:
    """`plugins`: names of entry points. `files`: name -> text, of a project.

    `failing`: test functions that have to fail, and no others. `artefacts`: reads what a run has left in `out`, and what it has
    printed.
    """

    name: str
    plugins: tuple[str, ...]
    files: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    artefacts: Reader = field(default=artefacts.nothing)
    # Beginnings of differences that there are, with the reason; docs/plugins.md says it to users.
    known: Mapping[str, str] = field(default_factory=dict)
    # Whether the last line of a run is pytest's own.
    has_summary: bool = True

    def content(self) -> dict[str, str]:
        return {name: textwrap.dedent(text) for name, text in self.files.items()}


_PASSES_AND_FAILS = """
    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_passes(number, record_property):
        record_property("number", number)
        print("printed", number)

    def test_fails():
        print("before it fails")
        assert {"a": 1} == {"a": 2}

    @pytest.mark.skip(reason="for the sake of it")
    def test_skipped():
        pass

    @pytest.fixture
    def broken():
        raise RuntimeError("in setup")

    def test_error(broken):
        pass
"""
_FAILING = ("test_fails", "test_error")

SUITES = (
    Suite(
        "pytest-cov",
        ("pytest_cov",),
        {
            "package/__init__.py": """
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
            """,
            "package/late.py": "def f(x):\n    return 1 if x else 2\n",
            "conftest.py": "import package\n",
            "test_a.py": """
                import pytest
                from package import called
                @pytest.mark.parametrize("number", range(6))
                def test_yes(number):
                    assert called(True) == "yes"
                def test_late():
                    from package import late
                    assert late.f(1) == 1
            """,
        },
        (
            "--cov=package",
            "--cov-branch",
            "--cov-report=term-missing",
            "--cov-report=json:out/coverage.json",
        ),
        artefacts=artefacts.coverage,
    ),
    Suite(
        "pytest-randomly",
        ("randomly",),
        {
            "test_a.py": """
                import random
                import pytest
                DRAWN = random.random()
                @pytest.mark.parametrize("number", range(8))
                def test_a(number, record_property, request):
                    record_property("drawn", random.random())
            """
        },
        ("--randomly-seed=42",),
        artefacts=artefacts.random_seed,
    ),
    Suite(
        "pytest-rerunfailures",
        ("rerunfailures",),
        {
            "test_a.py": """
                import pathlib
                import pytest

                def attempt(path):
                    with open(path, "a") as file:
                        file.write("x")
                    return len(path.read_text())

                @pytest.fixture
                def counter(tmp_path_factory, request):
                    return pathlib.Path("out", request.node.name)

                @pytest.mark.parametrize("number", range(4))
                def test_passes_at_last(counter, number):
                    assert attempt(counter) > number

                def test_never_passes(counter):
                    attempt(counter)
                    assert 0
            """
        },
        ("--reruns=3",),
        failing=("test_never_passes",),
    ),
    Suite(
        "pytest-timeout",
        ("timeout",),
        {
            "test_a.py": """
                import time
                import pytest
                @pytest.mark.timeout(0.3)
                def test_takes_too_long():
                    time.sleep(30)
                @pytest.mark.parametrize("number", range(4))
                def test_is_quick(number):
                    pass
            """
        },
        ("--timeout=20",),
        failing=("test_takes_too_long",),
    ),
    Suite(
        "pytest-django",
        ("django",),
        {
            "site_settings.py": """
                SECRET_KEY = "x"
                INSTALLED_APPS = ["app"]
                ENGINE = "django.db.backends.sqlite3"
                # pytest-django names a database for tests after the worker; one in memory each process has for itself.
                DATABASES = {
                    "default": {"ENGINE": ENGINE, "NAME": "out/db", "TEST": {"NAME": "out/test"}},
                    "in_memory": {"ENGINE": ENGINE, "NAME": "out/other"},
                }
                DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
                USE_TZ = True
            """,
            "app/__init__.py": "",
            "app/models.py": """
                from django.db import models
                class Thing(models.Model):
                    name = models.CharField(max_length=10)
            """,
            "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = site_settings\npythonpath = .\n",
            "test_a.py": """
                import pytest
                from app.models import Thing
                @pytest.mark.django_db(databases=["default", "in_memory"])
                @pytest.mark.parametrize("number", range(6))
                def test_has_databases_of_its_own(number, worker_id):
                    from django.db import connection, connections
                    assert connection.settings_dict["NAME"] == f"out/test_{worker_id}"
                    assert "memory" in connections["in_memory"].settings_dict["NAME"]
                    for name in connections:
                        things = Thing.objects.using(name)
                        assert things.count() == 0
                        things.create(name=str(number))
                        assert things.count() == 1
                @pytest.mark.django_db(transaction=True)
                def test_transactions():
                    Thing.objects.create(name="x")
                def test_no_database():
                    with pytest.raises(RuntimeError):
                        Thing.objects.count()
                def test_client(client, settings):
                    settings.ROOT_URLCONF = "urls"
                    assert client.get("/").status_code == 200
            """,
            "urls.py": """
                from django.http import HttpResponse
                from django.urls import path
                urlpatterns = [path("", lambda request: HttpResponse("ok"))]
            """,
        },
    ),
    Suite(
        "pytest-html",
        ("pytest_html.plugin", "html_fixtures", "metadata"),
        {"test_a.py": _PASSES_AND_FAILS},
        ("--html=out/report.html", "--self-contained-html"),
        artefacts=artefacts.html,
        failing=_FAILING,
    ),
    Suite(
        "pytest-json-report",
        ("pytest_jsonreport", "metadata"),
        {
            "conftest.py": """
                def pytest_json_runtest_metadata(item, call):
                    return {"when": call.when} if call.when == "call" else {}
            """,
            "test_a.py": _PASSES_AND_FAILS
            + """
    def test_metadata(json_metadata):
        json_metadata["key"] = [1, 2]
            """,
        },
        ("--json-report", "--json-report-file=out/report.json"),
        artefacts=artefacts.json_report,
        failing=_FAILING,
    ),
    Suite(
        "allure-pytest",
        ("allure_pytest",),
        {
            "test_a.py": _PASSES_AND_FAILS
            + """
    import allure
    @allure.severity("critical")
    @allure.title("with a title")
    def test_steps():
        with allure.step("one"):
            allure.attach("text", name="attached")
            """
        },
        ("--alluredir=out/allure",),
        artefacts=artefacts.allure,
        known={
            "workers:": "the process id in the label `thread` is that of the process that both workers were forked from"
        },
        failing=_FAILING,
    ),
    Suite(
        "pytest-benchmark",
        ("benchmark",),
        {
            "test_a.py": """
                def test_speed(benchmark):
                    assert benchmark(lambda: 1) == 1
                def test_other():
                    pass
            """
        },
    ),
    Suite(
        "pytest-asyncio",
        ("asyncio",),
        {
            "pytest.ini": "[pytest]\nasyncio_mode = auto\n",
            "test_a.py": """
                import asyncio, pytest, pytest_asyncio
                @pytest_asyncio.fixture(loop_scope="module", scope="module")
                async def server():
                    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
                    yield server.sockets[0].getsockname()[1]
                    server.close()
                @pytest.mark.asyncio(loop_scope="module")
                @pytest.mark.parametrize("number", range(4))
                async def test_connects(server, number):
                    reader, writer = await asyncio.open_connection("127.0.0.1", server)
                    assert await reader.read() == b""
                    writer.close()
                async def test_alone():
                    await asyncio.sleep(0)
                async def test_fails():
                    assert 0
            """,
        },
        failing=("test_fails",),
    ),
    Suite(
        "anyio",
        ("anyio",),
        {
            "conftest.py": """
                import pytest
                @pytest.fixture(scope="module")
                def anyio_backend():
                    return "asyncio"
            """,
            "test_a.py": """
                import anyio, pytest
                pytestmark = pytest.mark.anyio
                @pytest.fixture(scope="module")
                async def resource(anyio_backend):
                    await anyio.sleep(0)
                    yield 7
                @pytest.mark.parametrize("number", range(4))
                async def test_a(resource, number):
                    assert resource == 7
                async def test_fails():
                    async with anyio.create_task_group() as group:
                        group.start_soon(anyio.sleep, 0)
                    assert 0
            """,
        },
        failing=("test_fails",),
    ),
    Suite(
        "pytest-sugar",
        ("sugar",),
        {"test_a.py": _PASSES_AND_FAILS},
        ("--force-sugar",),
        artefacts=artefacts.sugar,
        has_summary=False,
        failing=_FAILING,
    ),
    Suite(
        "pytest-metadata",
        ("metadata",),
        {
            "conftest.py": """
                import json
                from pytest_metadata.plugin import metadata_key
                def pytest_sessionfinish(session):
                    if not hasattr(session.config, "workerinput"):
                        metadata = session.config.stash[metadata_key]
                        with open("out/metadata.json", "w") as file:
                            json.dump({key: metadata[key] for key in ("told", "Python", "Plugins")}, file)
            """,
            "test_a.py": """
                def test_told(metadata):
                    assert metadata["told"] == "value"
                def test_adds(request):
                    pass
            """,
        },
        ("--metadata", "told", "value"),
        artefacts=artefacts.metadata,
    ),
    Suite(
        "hypothesis",
        ("hypothesispytest",),
        {
            "test_a.py": """
                from hypothesis import given, settings, strategies
                @settings(derandomize=True, database=None)
                @given(strategies.integers())
                def test_holds(number):
                    assert number == int(str(number))
                @settings(derandomize=True, database=None)
                @given(strategies.lists(strategies.integers()))
                def test_does_not(numbers):
                    assert sum(numbers) < 100
            """
        },
        failing=("test_does_not",),
    ),
    Suite(
        "syrupy",
        ("syrupy",),
        {
            "test_a.py": """
                import pytest
                @pytest.mark.parametrize("number", range(4))
                def test_a(snapshot, number):
                    assert {"number": number} == snapshot
                def test_differs(snapshot):
                    assert "now" == snapshot
            """,
            "__snapshots__/test_a.ambr": "# serializer version: 1\n"
            + "".join(
                f"# name: test_a[{n}]\n  dict({{\n    'number': {n},\n  }})\n# ---\n"
                for n in range(4)
            )
            + "# name: test_differs\n  'then'\n# ---\n# name: test_unused\n  'x'\n# ---\n",
        },
        (),
        artefacts=artefacts.snapshots,
        failing=("test_differs",),
    ),
    Suite(
        "pytest-order",
        ("pytest_order",),
        {
            "test_a.py": """
                import pytest
                LOG = []
                @pytest.mark.order(3)
                def test_third(): LOG.append(3); assert LOG == [1, 2, 3]
                @pytest.mark.order(1)
                def test_first(): LOG.append(1); assert LOG == [1]
                @pytest.mark.order(2)
                def test_second(): LOG.append(2); assert LOG == [1, 2]
            """
        },
        ("--dist=loadfile",),
    ),
    Suite(
        "pytest-split",
        ("pytest-split",),
        {"test_a.py": _PASSES_AND_FAILS, "test_b.py": _PASSES_AND_FAILS},
        ("--splits=2", "--group=1"),
        known={"count of deselected:": "pytest-xdist does not say how many tests were deselected"},
        failing=_FAILING,
    ),
    Suite(
        "pytest-mock",
        ("pytest_mock",),
        {
            "test_a.py": """
                import os, pytest
                @pytest.mark.parametrize("number", range(4))
                def test_a(mocker, number):
                    mocker.patch("os.getcwd", return_value=str(number))
                    assert os.getcwd() == str(number)
                def test_fails(mocker):
                    mocked = mocker.Mock()
                    mocked(1)
                    mocked.assert_called_once_with(2)
            """
        },
        failing=("test_fails",),
    ),
    Suite(
        "pytest-subtests",
        ("subtests",),
        {
            "test_a.py": """
                import unittest
                def test_a(subtests):
                    for i in range(4):
                        with subtests.test(msg="sub", i=i):
                            assert i % 2 == 0
                class TestCase(unittest.TestCase):
                    def test_b(self):
                        for i in range(3):
                            with self.subTest(i=i):
                                self.assertNotEqual(i, 1)
            """
        },
        failing=("test_a", "test_b"),
    ),
    Suite("pytest-repeat", ("repeat",), {"test_a.py": "def test_a():\n    pass\n"}, ("--count=6",)),
    Suite(
        "pytest-instafail",
        ("instafail",),
        {"test_a.py": _PASSES_AND_FAILS},
        ("--instafail",),
        artefacts=artefacts.instafail,
        failing=_FAILING,
    ),
)
