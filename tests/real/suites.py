"""The pinned suites: what is installed, what is executed, and which of their tests are flaky by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

_REQUIREMENTS = Path(__file__).parent / "requirements"


@dataclass(frozen=True)
class Suite:
    """One project's tests. Paths in `arguments` are relative to the suite's directory."""

    name: str
    arguments: tuple[str, ...] = ()
    from_source: bool = True  # its tests are in the source distribution only
    quick: bool = False
    # Tests that differ between two runs of plain pytest, with the reason: {node id: reason}. They are left out of the
    # comparison; a test belongs here only when plain pytest alone was seen to give both results.
    flaky: dict[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> Path:
        return _REQUIREMENTS / f"{self.name}.txt"

    @property
    def source(self) -> Path | None:
        return _REQUIREMENTS / f"{self.name}.source.txt" if self.from_source else None


SUITES = (
    Suite("networkx", ("--pyargs", "networkx"), from_source=False),
    Suite("attrs", quick=True),
    Suite("more-itertools", quick=True),
    Suite("packaging"),
)
