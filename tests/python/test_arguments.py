"""Arguments are inputs: what was read of them is noticed, and a fork may get others if they differ in nothing that was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Builder, Project, run_plainly
from fake_daemon import ArgumentsTried

PLAIN = ("-p", "no:xdist", "-p", "no:cacheprovider")


def names(answer: ArgumentsTried) -> set[str]:
    """What differs, but for the list itself, which always does."""
    assert answer.refusal == "", answer
    return {difference.name for difference in answer.differences} - {"arguments"}


def reads(ready: Any) -> set[str]:
    return {read.name for read in ready.options}


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (["-k", "x"], {"keyword"}),
        (["-m", "x"], {"markexpr"}),
        (["-x"], {"maxfail"}),
        (["--maxfail=3", "--tb=short"], {"maxfail", "tbstyle"}),
        (["-vv"], {"verbose"}),
        (["-q"], {"verbose", "quiet"}),
        (["--lf"], {"lf"}),
        (["--durations=3"], {"durations"}),
        (["--junitxml=out.xml"], {"xmlpath"}),
        (["--deselect=test_it.py::test_a"], {"deselect"}),
        (["test_it.py"], {"file_or_dir", "config.args", "config.args_source"}),
        (["test_it.py::test_a"], {"file_or_dir", "config.args", "config.args_source"}),
        (["--colour-of-conftest=red"], {"colour_of_conftest"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_other_arguments_are_told_by_the_options_that_differ(
    project: Project, build: Builder, others: list[str], expected: set[str]
) -> None:
    project.write(
        conftest="def pytest_addoption(parser): parser.addoption('--colour-of-conftest')",
        test_it="def test_a(): pass",
    )
    zygote, _ = build(project.spec("-p", "no:xdist"), "configured")
    assert names(zygote.try_arguments("-p", "no:xdist", *others)) == expected


def test_lists_that_differ_from_each_other_are_told_apart(project: Project, build: Builder) -> None:
    project.write(test_it="def test_a(): pass")
    zygote, _ = build(project.spec(*PLAIN), "configured")

    def others(*args: str) -> dict[str, str]:
        answer = zygote.try_arguments(*PLAIN, *args)
        return {difference.name: difference.other for difference in answer.differences}

    one, another = others("-k", "a"), others("-k", "b")
    assert one.keys() == another.keys() == {"arguments", "keyword"}
    assert not set(one.values()) & set(another.values())
    assert others("-k", "a") == one


@pytest.mark.parametrize(
    ("others", "why"),
    [
        (["-p", "no:warnings"], "-p"),
        (["-o", "testpaths=."], "override_ini"),
        (["-c", "other.ini"], "configuration file"),
        (["--rootdir=sub"], "root directory"),
        (["--import-mode=importlib"], "importmode"),
        (["--pyargs"], "pyargs"),
        (["--assert=plain"], "assertmode"),
        (["--confcutdir=sub"], "conftests"),
        (["--noconftest"], "conftests"),
        (["sub"], "conftests"),
        (["elsewhere/test_c.py"], "directory"),
        (["--help"], "start of their own"),
        (["--version"], "start of their own"),
        (["-VV"], "start of their own"),
        (["@file"], "start of their own"),
        (["--no-such-option"], "unrecognized arguments"),
        (["--maxfail=many"], "invalid int value"),
        (["--own=b"], "parsed by code of the project"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_parsing_itself_consumed_must_be_the_same(
    project: Project, build: Builder, others: list[str], why: str
) -> None:
    project.write(
        conftest="""
            def shout(text): return text.upper()
            def pytest_addoption(parser): parser.addoption("--own", type=shout)
        """,
        test_it="def test_a(): pass",
    )
    (project.directory / "pytest.ini").write_text("[pytest]\n")
    for name, files in (
        ("sub", {"conftest.py": "", "test_b.py": ""}),
        ("elsewhere", {"pytest.ini": "[pytest]\n", "test_c.py": ""}),
    ):
        (project.directory / name).mkdir()
        for file, text in files.items():
            (project.directory / name / file).write_text(text)
    (project.directory / "other.ini").write_text("[pytest]\n")
    (project.directory / "file").write_text("-x")
    zygote, _ = build(project.spec(*PLAIN, "test_it.py"), "configured")
    answer = zygote.try_arguments(
        *PLAIN, *(["test_it.py", *others] if others[0][0] in "-@" else others)
    )
    assert why in answer.refusal, answer


def test_a_fork_with_other_arguments_is_the_run_that_they_ask_for(
    project: Project, build: Builder
) -> None:
    project.write(
        test_it="""
            import json, sys

            def test_a(request):
                config = request.config
                option = {k: repr(v) for k, v in vars(config.option).items()}
                known = {k: repr(v) for k, v in vars(config.known_args_namespace).items()}
                print("DUMP" + json.dumps({
                    "option": option, "order": list(option), "known": known, "args": config.args,
                    "source": str(config.args_source), "invocation": config.invocation_params.args,
                    "argv": sys.argv[1:], "orig": sys.orig_argv[1:] if hasattr(sys, "orig_argv") else [],
                    "types": [str(type(x)) for x in (config.option, config, config.invocation_params,
                              config.known_args_namespace, sys.argv)],
                    "same": [type(config.option).__mro__[1].__name__, type(sys.argv) is list],
                }) + "END")

            def test_b(): assert 0
        """,
    )

    def dump(text: str) -> Any:
        return json.loads(text.split("DUMP")[1].split("END")[0])

    own = ("-p", "no:cacheprovider", "-s")
    others = (*own, "-vv", "-k", "test_a", "--tb=short", "test_it.py")
    zygote, _ = build(project.spec(*own, script=""), "configured")
    assert names(zygote.try_arguments(*others)) == {
        "verbose",
        "keyword",
        "tbstyle",
        "file_or_dir",
        "config.args",
        "config.args_source",
    }
    spec = project.spec(*others, script="")
    gathered = zygote.build(spec, "gathered")
    gathered.ready()
    selected = gathered.build(spec, "selected")
    selected.ready()
    process = selected.start(spec)
    assert process.exit_code() == 0
    cold = run_plainly(project, *others)
    assert dump(process.out()) == dump(cold.stdout)


def test_what_reads_options_is_seen(project: Project, build: Builder) -> None:
    project.write(
        conftest="""
            def pytest_configure(config): config.getoption("keyword")
            def pytest_sessionstart(session): "deselect" in vars(session.config.option)
        """,
        test_it="def test_a(): pass",
    )
    configured, ready = build(project.spec(*PLAIN), "configured")
    assert not reads(ready) & {"keyword", "markexpr", "arguments", "config.args"}
    gathered = configured.build(project.spec(*PLAIN), "gathered")
    ready = gathered.ready()
    assert {"keyword", "markexpr", "tbstyle", "config.args"} <= reads(ready)
    by = {read.name: read.reader for read in ready.options}
    assert by["keyword"] == f"{project.directory}/conftest.py:2"
    assert by["tbstyle"] == f"{project.directory}/conftest.py:3"


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.argv[1:]",
        "import sys; len(sys.argv)",
        "import sys; '-x' in sys.argv",
        "import sys; list(sys.argv)",
        "import sys; ' '.join(sys.argv)",
        "import sys; [a for a in sys.argv]",
        "import sys; first, *rest = sys.argv",
        "import sys; print(*sys.argv)",
        "import copy, sys; copy.copy(sys.argv)",
        "import pickle, sys; assert type(pickle.loads(pickle.dumps(sys.argv))) is list",
        "import json, sys; json.dumps(sys.argv)",
        "import sys; repr(sys.argv)",
        "import sys; sys.argv + []",
        "import sys; sys.argv == []",
        "import sys; sys.argv.index(sys.argv[0])",
        "import argparse; argparse.ArgumentParser().parse_known_args()",
        "def pytest_configure(config): config.invocation_params.args",
        "def pytest_load_initial_conftests(args): args.index('-p')",
    ],
)
def test_a_look_at_the_list_itself_is_seen(project: Project, build: Builder, code: str) -> None:
    project.write(
        conftest=code if "load_initial" not in code else "",
        plugin=code,
        test_it="def test_a(): pass",
    )
    args = (*PLAIN, "-p", "plugin") if "load_initial" in code else PLAIN
    stage = "started" if "config" in code else "configured"
    _, ready = build(project.spec(*args, script=""), stage)
    assert "arguments" in reads(ready)


def test_a_session_starts_without_a_look_at_the_paths(project: Project, build: Builder) -> None:
    project.write(test_it="def test_a(): pass")
    _, ready = build(project.spec(*PLAIN, "test_it.py::test_a"), "started")
    assert "config.args_source" in reads(ready)
    assert not reads(ready) & {"arguments", "file_or_dir", "config.args"}


def test_the_programs_name_is_no_argument(project: Project, build: Builder) -> None:
    project.write(conftest="import sys; sys.argv[0]", test_it="def test_a(): pass")
    _, ready = build(project.spec(*PLAIN), "configured")
    assert "arguments" not in reads(ready)


def test_a_watched_namespace_looks_like_one(project: Project, build: Builder) -> None:
    project.write(
        conftest="""
            import argparse, copy, pickle

            def pytest_configure(config):
                option = config.option
                assert isinstance(option, argparse.Namespace)
                assert type(option).__name__ == "Namespace" and type(option).__module__ == "argparse"
                assert not hasattr(option, "no_such_option")
                assert getattr(option, "no_such_option", 7) == 7
                try:
                    option.no_such_option
                except AttributeError as error:
                    assert str(error) == "'Namespace' object has no attribute 'no_such_option'"
                option.tbstyle = "line"
                option.mine = 1
                assert option.tbstyle == "line" and option.mine == 1
                assert config.getoption("--tb") == "line"
                assert "keyword" in option
                for copied in (copy.copy(option), copy.deepcopy(option), pickle.loads(pickle.dumps(option))):
                    assert type(copied) is argparse.Namespace
                    assert copied == option and vars(copied) == vars(option)
                    assert list(vars(copied)) == list(vars(option))
                assert repr(option) == repr(copied)
                del option.mine
                assert not hasattr(option, "mine")
                assert type(config).__name__ == "Config"
        """,
        test_it="def test_a(): pass",
    )
    _, ready = build(project.spec(*PLAIN))
    assert ready.stage == "selected"


def test_an_option_that_a_plugin_has_set_counts_as_read(project: Project, build: Builder) -> None:
    project.write(
        conftest="def pytest_configure(config): config.option.durations = 5",
        test_it="def test_a(): pass",
    )
    _, ready = build(project.spec(*PLAIN), "started")
    assert "durations" in reads(ready)


def test_files_that_decide_on_the_answer_come_with_it(project: Project, build: Builder) -> None:
    project.write(test_it="def test_a(): pass")
    sub = project.directory / "sub"
    sub.mkdir()
    (sub / "test_b.py").write_text("def test_b(): pass")
    zygote, _ = build(project.spec(*PLAIN), "configured")
    answer = zygote.try_arguments(*PLAIN, "sub/test_b.py")
    assert names(answer) == {"file_or_dir", "config.args", "config.args_source"}
    looked_at = {signature.path for signature in answer.files}
    assert {str(sub / "conftest.py").encode(), str(sub / "pytest.ini").encode()} <= looked_at


def test_a_zygote_survives_arguments_whose_parsing_ends_the_process(
    project: Project, build: Builder
) -> None:
    project.write(
        conftest="""
            import os
            def pytest_addoption(parser): parser.addoption("--deadly", type=lambda text: os._exit(9))
        """,
        test_it="def test_a(): pass",
    )
    zygote, _ = build(project.spec(*PLAIN), "configured")
    assert "did not parse them to the end" in zygote.try_arguments(*PLAIN, "--deadly=1").refusal
    assert names(zygote.try_arguments(*PLAIN, "-x")) == {"maxfail"}
