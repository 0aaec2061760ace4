"""The script that hearthd starts as an interpreter zygote: `PYTHON -S zygote_main.py CONTROL_FD`.

Loads the package that it lies in under a private name and without `sys.path`, and hands over. What comes back is a process
that is to become pytest's; its script is called from here, where the stack is as empty as it can be. Without -S, nobody would
see what `site` reads: it is loaded later.
"""

import os
import sys

if sys.version_info < (3, 9):  # noqa: UP036
    # As far as here, others can read this file.
    sys.exit(
        "hearth needs Python 3.9 or later: set HEARTH_PYTHON to one, or run pytest without hearth"
    )

# Not by importlib.util: nothing that a plain start does not load should be loaded before `site`.
from _frozen_importlib import module_from_spec
from _frozen_importlib_external import spec_from_file_location


def _load(name: str, directory: str) -> None:
    """Make the package that lies in the directory importable under this name."""
    spec = spec_from_file_location(
        name,
        os.path.join(directory, "__init__.py"),
        submodule_search_locations=[directory],
    )
    assert spec is not None and spec.loader is not None
    package = module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)


def _main():  # type: ignore[no-untyped-def]  # Callable[[], object]: not for the price of an import
    directory = os.path.dirname(os.path.abspath(__file__))
    # The entry that Python made for this script (for where its link leads); a user's run has one for its own script.
    if sys.path and sys.path[0] == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]
    _load("_hearth_runtime", directory)
    from _hearth_runtime.interpreter import main  # type: ignore[import-not-found,unused-ignore]

    return main(int(sys.argv[1]))


_main()()  # type: ignore[no-untyped-call]
