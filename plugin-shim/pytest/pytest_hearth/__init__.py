"""hearth's Python side: zygotes, workers, sessions, the controller of a distributed run.

In processes that hearth starts, the package is loaded under the name `_hearth_runtime` from its own place (see
zygote_main), so that nothing of it shows in the process; installed as `pytest_hearth`, it offers the pytest plugin.
"""
