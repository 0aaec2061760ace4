"""Carries out edits in the world's files."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from tests.staleness.site import Site
from tests.staleness.slots import DATABASE, FIRST, LINKS, SLOTS
from tests.staleness.steps import Edit


class Editor:
    """Each public method is a kind of edit. Paths are relative to the world; `number` says what content a slot gets."""

    def __init__(self, root: Path, site: Site) -> None:
        self._root = root
        self._site = site

    def apply(self, edit: Edit) -> None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            getattr(self, edit.kind)(*edit.values)

    # -- contents ---------------------------------------------------------------------------------------------------------

    def write(self, path: str, number: int) -> None:
        """In place, as most editors do."""
        target = self._place(path)
        target.write_text(SLOTS[path].content(number))

    def replace(self, path: str, number: int) -> None:
        """By a new file that takes the old one's place."""
        target = self._place(path)
        new = target.with_name("new file")
        new.write_text(SLOTS[path].content(number))
        os.replace(new, target)

    def disguise(self, path: str, number: int) -> None:
        """In place, and then the times are set back."""
        target = self._root / path
        before = target.stat()
        target.write_text(SLOTS[path].content(number))
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))

    def disguise_replacement(self, path: str, number: int) -> None:
        """A new file with the old one's times, as rsync and archivers make them."""
        target = self._root / path
        before = target.stat()
        new = target.with_name("new file")
        new.write_text(SLOTS[path].content(number))
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.replace(new, target)

    def append(self, path: str, text: str) -> None:
        with open(self._root / path, "r+") as file:
            file.seek(0, os.SEEK_END)
            file.write(text)

    def database(self, number: int) -> None:
        path = self._root / DATABASE
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("create table if not exists facts (number integer)")
            connection.execute("delete from facts")
            connection.execute("insert into facts values (?)", (number,))

    def restore(self) -> None:
        """Everything as it was first, as from version control: what is so already is left alone."""
        for slot in SLOTS.values():
            path = self._root / slot.path
            if not slot.present:
                path.unlink(missing_ok=True)
            elif not path.exists() or path.read_text() != slot.content(FIRST):
                self.write(slot.path, FIRST)
        for link, targets in LINKS.items():
            self.link(link, targets[0])
        self.database(FIRST)

    # -- names ------------------------------------------------------------------------------------------------------------

    def delete(self, path: str) -> None:
        target = self._root / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()

    def rename(self, path: str, to: str) -> None:
        os.replace(self._root / path, self._place(to))

    def exchange(self, one: str, other: str) -> None:
        between = self._root / "between"
        if one != other and (self._root / other).exists():
            os.replace(self._root / one, between)
            os.replace(self._root / other, self._root / one)
            os.replace(between, self._root / other)

    def link(self, path: str, target: str) -> None:
        """A symbolic link that leads there, put in the old one's place at once."""
        new = self._place(path).with_name("new link")
        new.symlink_to(target)
        os.replace(new, self._root / path)

    def forget_bytecode(self) -> None:
        for cache in list((self._root / "project").rglob("__pycache__")):
            shutil.rmtree(cache, ignore_errors=True)  # a stage may just be writing to it

    # -- what stat tells --------------------------------------------------------------------------------------------------

    def touch(self, path: str, seconds: int) -> None:
        """Move the modification time by so much."""
        target = self._root / path
        before = target.stat()
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns + seconds * 10**9))

    def chmod(self, path: str, mode: int) -> None:
        (self._root / path).chmod(mode)

    # -- the environment --------------------------------------------------------------------------------------------------

    def install(self, version: str | None) -> None:
        self._site.install(version)

    def install_editable(self, is_installed: bool) -> None:
        self._site.install_editable(self._root / "editable" if is_installed else None)

    def set_path_file(self, is_there: bool) -> None:
        self._site.set_path_file(self._root / "extra" if is_there else None)

    def _place(self, path: str) -> Path:
        """A path whose directory is there."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target
