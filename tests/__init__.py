"""hearth's own tests. Python ones are packages, so that they can share `tests.support`."""
