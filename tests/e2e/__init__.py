"""End-to-end tests: a real daemon, real clients, real pytest. See tests/README.md."""
