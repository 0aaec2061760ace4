"""What happens between two runs, and what the next run is: plain data, so that any part of a history can be done again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edit:
    """One change of the world. `kind` names a method of Editor; an edit that finds nothing to change does nothing."""

    kind: str
    values: tuple[object, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(map(repr, self.values))})"


@dataclass(frozen=True)
class Command:
    """A run of pytest: options and paths, variables that are set, the directory below the project."""

    arguments: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    directory: str = "."
    workers: bool = False
    uses_cache: bool = False  # it depends on what the last run left in pytest's cache

    def __str__(self) -> str:
        variables = " ".join(f"{name}={value!r}" for name, value in self.variables)
        options = " ".join(self.arguments) + (" -n 2" if self.workers else "")
        return f"cd {self.directory}; {variables} pytest {options}".replace("  ", " ")


@dataclass(frozen=True)
class Step:
    """Edits, then a run. With `held_at`, a run begins before, stops at that place while it is loaded, and the edits are made
    there; what that run sees of them is not judged, but the run that follows must see them all.
    """

    number: int
    edits: tuple[Edit, ...] = ()
    command: Command = field(default_factory=Command)
    held_at: str | None = None

    def __str__(self) -> str:
        held = f"  during a run that is held in a {self.held_at}:\n" if self.held_at else ""
        edits = "".join(f"  {edit}\n" for edit in self.edits)
        return f"step {self.number}\n{held}{edits}  {self.command}"
