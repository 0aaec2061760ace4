"""Processes that tests start: as from a cold run, also where every warning is an error."""

from __future__ import annotations

import pytest

from tests.hazards.conftest import Project

Mode = tuple[str, ...]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_finds_the_same_main_program_and_warns_of_nothing_more(
    project: Project, mode: Mode, method: str
) -> None:
    project.write(
        "test_a.py",
        f"""
        import multiprocessing, os, sys
        from telling import tell

        def work(queue):
            main = sys.modules["__main__"]
            queue.put([getattr(main, "__file__", None), main.__name__, main.__spec__ and main.__spec__.name, sys.argv[:3],
                       sys.path, os.getcwd(), multiprocessing.current_process().name])

        def test_a():
            context = multiprocessing.get_context({method!r})
            queue = context.Queue()
            process = context.Process(target=work, args=(queue,))
            process.start()
            told = queue.get(timeout=60)
            process.join(60)
            queue.close()
            queue.join_thread()
            tell(told=told, exit_code=process.exitcode)

        def test_pool():
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                tell(pool=pool.map(abs, [-1, 2]))
        """,
    )
    # xdist's workers are another program, with other paths than pytest's own; only the session's are compared.
    project.same("-W", "error", *mode, cold=("-W", "error"))


def test_a_forked_child_of_a_test_that_imported_numpy_warns_of_nothing_more(
    project: Project, mode: Mode
) -> None:
    project.write("conftest.py", "import numpy\n")
    project.write(
        "test_a.py",
        """
        import os, warnings
        from telling import tell
        def test_a():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                pid = os.fork()
                if pid == 0:
                    os._exit(7)
                _, status = os.waitpid(pid, 0)
            tell(warned=len(caught), exit_code=os.waitstatus_to_exitcode(status))
        """,
    )
    _, expected = project.cold()
    for told in project.each(*mode):
        assert told[0]["exit_code"] == 7
        assert told[0]["warned"] <= expected[0]["warned"]
