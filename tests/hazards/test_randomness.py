"""Random generators as in a cold run: seeded ones go on from their seed, all others differ."""

from __future__ import annotations

import itertools

import pytest

from tests.hazards.conftest import Project

Mode = tuple[str, ...]

_DRAW = """
import random, secrets, uuid
import numpy
import pytest
from telling import tell

@pytest.mark.parametrize("number", range(6))
def test_draw(number, worker_id):
    tell(about=worker_id, random=random.random(), numpy=float(numpy.random.random()), own=random.Random().random(),
         generator=float(numpy.random.default_rng().random()), secret=secrets.token_hex(8), uuid=uuid.uuid4().hex)
"""


def test_generators_seeded_by_a_conftest_go_on_from_their_seed(
    project: Project, mode: Mode
) -> None:
    project.write(
        "conftest.py",
        """
        import random, numpy
        random.seed(42)
        numpy.random.seed(42)
        OWN = random.Random(42)
        STATE = numpy.random.RandomState(42)
        GENERATOR = numpy.random.default_rng(42)
        """,
    )
    project.write(
        "test_a.py",
        """
        import random, numpy, conftest
        from telling import tell
        def test_a():
            tell(random=[random.random(), random.random()], numpy=[float(numpy.random.random()) for _ in range(2)],
                 own=conftest.OWN.random(), state=float(conftest.STATE.random()), generator=float(conftest.GENERATOR.random()))
        """,
    )
    project.same(*mode)


def test_a_generator_seeded_by_a_test_module_goes_on_from_its_seed(
    project: Project, mode: Mode
) -> None:
    project.write(
        "test_a.py",
        """
        import random, numpy
        from telling import tell
        random.seed(1)
        numpy.random.seed(1)
        def test_a():
            tell(random=random.random(), numpy=float(numpy.random.random()))
        """,
    )
    project.same(*mode)


@pytest.mark.parametrize("first", ["", "import random, numpy.random\n"])
def test_unseeded_generators_differ_between_tests_workers_and_runs(
    project: Project, mode: Mode, first: str
) -> None:
    project.write("conftest.py", first)
    project.write("test_a.py", _DRAW)
    told = list(itertools.chain(*project.each(*mode)))
    assert len(told) == 18
    for name in ("random", "numpy", "own", "generator", "secret", "uuid"):
        assert len({values[name] for values in told}) == len(told), name


@pytest.mark.parametrize(
    ("place", "identity"),
    [
        ("conftest.py", "uuid.uuid4().hex"),
        ("conftest.py", "os.getpid()"),
        ("conftest.py", "random.Random().random()"),
        ("identity.py", "random.randrange(10**9)"),
        ("conftest.py", "tempfile.mkdtemp()"),
        ("identity.py", "secrets.token_hex(8)"),
        ("identity.py", "os.urandom(8).hex()"),
        ("identity.py", "float(numpy.random.default_rng().random())"),
        ("conftest.py", "float(numpy.random.random())"),
        ("identity.py", "float(numpy.random.random())"),
        ("identity.py", "tempfile.NamedTemporaryFile().name"),
    ],
)
def test_an_identity_taken_at_import_differs_between_runs(
    project: Project, place: str, identity: str
) -> None:
    project.write(
        place,
        f"""
        import atexit, os, random, secrets, shutil, tempfile, uuid
        import numpy
        WHO = {identity}
        atexit.register(shutil.rmtree, str(WHO), True)
        """,
    )
    project.write(
        "test_a.py",
        f"""
        import {place[:-3]} as identity
        from telling import tell
        def test_a():
            tell(who=identity.WHO)
        """,
    )
    runs = project.each()
    assert len({values["who"] for told in runs for values in told}) == len(runs)
