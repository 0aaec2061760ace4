"""Files of Debian's archive, pinned by version and content, through an apt that has a state of its own and needs no root."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.environments import clean_environment

_MIRROR = "http://deb.debian.org/debian"
_RELEASE = "bookworm"
_CONFIGURATION = """\
Dir::State "{directory}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{directory}/cache";
Dir::Etc::sourcelist "{directory}/sources.list";
Dir::Etc::sourceparts "-";
"""


@dataclass(frozen=True)
class Package:
    """The upstream sources of a source package, or a binary package; `file` is what apt calls the file."""

    name: str
    version: str
    file: str
    sha256: str

    @property
    def is_source(self) -> bool:
        return not self.file.endswith(".deb")


class Archive:
    """apt with a state of its own below `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    def fetch(self, package: Package) -> Path:
        """The file, downloaded unless it is there; RuntimeError when it cannot be had, or is another one."""
        directory = self._directory / "files"
        file = directory / package.file
        if not file.exists():
            directory.mkdir(parents=True, exist_ok=True)
            self._update()
            wanted = f"{package.name}={package.version}"
            source = ["source", "--download-only", "--tar-only"]
            how = source if package.is_source else ["download"]
            self._apt([*how, wanted], directory)
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != package.sha256:
            raise RuntimeError(f"{file} has the sum {found}, not {package.sha256}")
        return file

    def unpack(self, package: Package, directory: Path) -> None:
        """Below `directory`: a source package without its own topmost folder, a binary package as if that were the root."""
        file = self.fetch(package)
        directory.mkdir(parents=True, exist_ok=True)
        if package.is_source:
            command = ["tar", "-xf", str(file), "-C", str(directory), "--strip-components=1"]
        else:
            command = ["dpkg", "-x", str(file), str(directory)]
        subprocess.run(command, check=True)

    def _update(self) -> None:
        if (self._directory / "apt.conf").exists():
            return
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._directory / name).mkdir(parents=True, exist_ok=True)
        lines = [f"{kind} {_MIRROR} {_RELEASE} main\n" for kind in ("deb", "deb-src")]
        (self._directory / "sources.list").write_text("".join(lines))
        configuration = self._directory / "apt.conf"
        configuration.write_text(_CONFIGURATION.format(directory=self._directory))
        try:
            self._apt(["update"], self._directory)
        except RuntimeError:
            configuration.unlink()
            raise

    def _apt(self, arguments: list[str], directory: Path) -> None:
        environment = {**clean_environment(), "APT_CONFIG": str(self._directory / "apt.conf")}
        done = subprocess.run(
            ["apt-get", "-q", *arguments],
            check=False,
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            words = os.linesep.join(done.stdout.splitlines()[-10:])
            raise RuntimeError(f"apt-get {' '.join(arguments)} failed:\n{words}")
