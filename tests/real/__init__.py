"""The differential runner: real suites through plain pytest and through hearth must give one result. See README.md in tests/."""
