"""The world's own environment: an interpreter with pinned packages, into which distributions are installed and removed.

Installing is what pip does with a wheel: the files below site-packages, with a RECORD of them.
"""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

from tests.support.environments import clean_environment

VERSIONS = ("1.0", "1.1", "2.0")

_SCRIPT = """#!{python}
import sys
from pytest import console_main
if __name__ == "__main__":
    sys.exit(console_main())
"""
_PLUGIN = """
def pytest_report_header(config):
    return "thing {version}"
"""
_METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


class Site:
    """A virtual environment at `directory` that sees what is installed beside `base`, another one's interpreter."""

    def __init__(self, directory: Path, base: Path) -> None:
        # Not through `base`: an environment made from within another one would be that one's sibling anyway.
        command = [str(base), "-m", "venv", "--without-pip", str(directory)]
        subprocess.run(command, check=True, env=clean_environment())
        self.python = directory / "bin" / "python"
        self.packages = _packages_of(self.python)
        (self.packages / "base.pth").write_text(f"{_packages_of(base)}\n")
        script = directory / "bin" / "pytest"
        script.write_text(_SCRIPT.format(python=self.python))
        script.chmod(0o755)

    def install(self, version: str | None) -> None:
        """The distribution `thing` in this version, or none. From 2.0 on it brings a plugin for pytest."""
        self._uninstall("thing")
        if version is None:
            return
        points = "[thing.parts]\n" + "".join(
            f"part{number} = thing:VALUE\n" for number in range(VERSIONS.index(version) + 1)
        )
        if version == VERSIONS[-1]:
            points += "[pytest11]\nthing = thing.plugin\n"
        self._install(
            "thing",
            version,
            {
                "thing/__init__.py": (
                    f"import os\nVALUE = '{version}'\n"
                    "with open(os.path.join(os.path.dirname(__file__), 'data.txt')) as file:\n    DATA = file.read()\n"
                ),
                "thing/plugin.py": _PLUGIN.format(version=version),
                "thing/data.txt": f"data of {version}\n",
                f"thing-{version}.dist-info/entry_points.txt": points,
            },
        )

    def install_editable(self, source: Path | None) -> None:
        """The distribution `edited`, whose modules stay in `source`; or none."""
        self._uninstall("edited")
        if source is not None:
            self._install("edited", "0.1", {"__editable__.edited.pth": f"{source}\n"})

    def set_path_file(self, directory: Path | None) -> None:
        """A `.pth` file that adds a directory to sys.path; or none."""
        path = self.packages / "zz_extra.pth"
        path.unlink(missing_ok=True)
        if directory is not None:
            path.write_text(f"{directory}\n")

    def _install(self, name: str, version: str, files: dict[str, str]) -> None:
        info = f"{name}-{version}.dist-info"
        files[f"{info}/METADATA"] = _METADATA.format(name=name, version=version)
        files[f"{info}/INSTALLER"] = "pip\n"
        files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
        for path, content in files.items():
            target = self.packages / path
            target.parent.mkdir(exist_ok=True)
            target.write_text(content)

    def _uninstall(self, name: str) -> None:
        for record in self.packages.glob(f"{name}-*.dist-info/RECORD"):
            paths = [
                self.packages / line.partition(",")[0] for line in record.read_text().splitlines()
            ]
            for path in paths:
                cache = path.parent / "__pycache__"
                for compiled in cache.glob(f"{path.stem}.*.pyc"):
                    compiled.unlink()
                path.unlink(missing_ok=True)
            for directory in {path.parent for path in paths} - {self.packages}:
                for empty in (directory / "__pycache__", directory):
                    if empty.is_dir() and not any(empty.iterdir()):
                        empty.rmdir()


def _packages_of(python: Path) -> Path:
    variables = {"base": str(python.parent.parent), "platbase": str(python.parent.parent)}
    version = subprocess.run(
        [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        check=True,
        env=clean_environment(),
        capture_output=True,
        text=True,
    ).stdout.strip()
    variables["py_version_short"] = version
    return Path(sysconfig.get_path("purelib", "venv", variables))
