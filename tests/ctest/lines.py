"""The command lines that are executed by plain ctest and by `hearth ctest`, and compared."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.terminal.execution import Shape

PIPE = Shape("pipe")
TERMINAL = Shape("terminal", 100, joined=False)
PLAIN_TERMINAL = Shape("terminal without colours", 100, colour=False, joined=False)


@dataclass(frozen=True, eq=False)
class Line:
    """Steps that are executed one after the other in the build directory of a world, from an empty `Testing`.

    A step is the arguments of one `ctest`. With `plain:` before them it is executed by plain ctest whoever is examined: that
    is how it is seen that each understands what the other has left. @SOURCE@ and @BUILD@ are directories of the world.
    """

    world: str
    steps: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    shape: Shape = PIPE
    stdin: str | None = None
    directory: str = "@BUILD@"
    writes: tuple[str, ...] = ()  # files to be compared besides those below Testing/
    unordered: bool = False  # its tests run in an order of their own, even one after the other
    quick: bool = False  # executed in continuous integration
    since: tuple[int, ...] = ()  # the ctest from which on it does this right

    @property
    def jobs(self) -> int:
        """The greatest number of tests that a step may run at once."""
        found = re.findall(r"(?:-j ?|--parallel )(\d+)", " ".join(self.steps))
        return max(map(int, [*found, self.environment.get("CTEST_PARALLEL_LEVEL", "1")]))

    @property
    def is_ordered(self) -> bool:
        return self.jobs == 1 and not self.unordered

    def __str__(self) -> str:
        given = "".join(f"{name}={shlex.quote(value)} " for name, value in self.environment.items())
        shape = "" if self.shape is PIPE else f"   ({self.shape.name})"
        return f"{self.world}: {given}ctest {' ; '.join(self.steps)}{shape}"


def _line(
    world: str,
    *steps: str,
    quick: bool = False,
    environment: Mapping[str, str] | None = None,
    shape: Shape = PIPE,
    stdin: str | None = None,
    directory: str = "@BUILD@",
    writes: tuple[str, ...] = (),
    unordered: bool = False,
    since: tuple[int, ...] = (),
) -> Line:
    if any(_JUNIT in step for step in steps):
        writes = (*writes, "junit.xml")
    steps = steps or ("",)
    return Line(
        world, steps, environment or {}, shape, stdin, directory, writes, unordered, quick, since
    )


def _preset(
    words: str,
    quick: bool = False,
    environment: Mapping[str, str] | None = None,
    writes: tuple[str, ...] = (),
) -> Line:
    return _line(
        "presets",
        f"--preset {words}",
        quick=quick,
        environment=environment,
        writes=writes,
        directory="@SOURCE@",
    )


_JUNIT = "--output-junit junit.xml"

LINES = (
    # every verdict
    _line("verdicts", f"-E timeout {_JUNIT}"),
    _line("verdicts", f"-E 'timeout|no-program' {_JUNIT}", quick=True),
    _line("verdicts", f"-j16 -R timeout {_JUNIT}", quick=True),
    _line("verdicts", f"-j4 {_JUNIT}"),
    _line("verdicts", "-V -E timeout"),
    _line("verdicts", "-V -R 'without-limit|with-expression'", quick=True),
    _line("verdicts", "-VV -R 'pass|skip|signal-A'"),
    _line("verdicts", "-VV -j4 -E timeout"),
    _line("verdicts", "--output-on-failure -E 'timeout|no-program'", quick=True),
    _line("verdicts", "-E timeout", environment={"CTEST_OUTPUT_ON_FAILURE": "1"}),
    _line("verdicts", "-Q -R pass"),
    _line("verdicts", "-Q --output-on-failure -E timeout -R 'pass|fail'"),
    _line("verdicts", "-O out.txt -R pass", writes=("out.txt",)),
    _line("verdicts", "-Q -O out.txt -V -R pass", writes=("out.txt",)),
    _line("verdicts", "--progress -R 'pass|skip'"),
    _line("verdicts", "--progress -R 'pass|skip'", shape=TERMINAL),
    _line("verdicts", "--progress -R 'pass|skip'", shape=PLAIN_TERMINAL),
    _line("verdicts", "-R 'pass|skip'", environment={"CTEST_PROGRESS_OUTPUT": "1"}, shape=TERMINAL),
    _line("verdicts", "-R 'pass|skip|signal-S|disabled'", shape=TERMINAL, quick=True),
    _line("verdicts", "-R 'pass|skip|signal-S|disabled'", environment={"CLICOLOR_FORCE": "1"}),
    _line("verdicts", "-R 'pass|skip|signal-S'", environment={"CLICOLOR": "0"}, shape=TERMINAL),
    _line("verdicts", "--quiet --stop-on-failure"),
    _line("verdicts", "--stop-on-failure", quick=True),
    _line("verdicts", "--timeout 1 -j8 -R 'time|pass$'"),
    _line("verdicts", "--stop-time 00:00:00 -R pass"),
    _line("verdicts", "--max-width 60 -R pass"),
    _line("verdicts", "--debug -R '^pass$'"),
    _line("verdicts", "--interactive-debug-mode 1 -R pass"),
    _line("verdicts", "--schedule-random -R pass", unordered=True),
    _line("verdicts", "--schedule-random -j3 -R 'pass|fail'"),
    _line("verdicts", "--test-load 100 -R pass"),
    _line("verdicts", "--test-output-size-passed 10 --test-output-size-failed 5 -R 'fail-77|regex' " + _JUNIT),
    # what is chosen
    _line("verdicts", "-N", quick=True),
    _line("verdicts", "-N -R skip -E code"),
    _line("verdicts", "--show-only=json-v1 -R skip", quick=True),
    _line("verdicts", "--show-only=human -I 1,10,3"),
    _line("verdicts", "-I 3,9,2"),
    _line("verdicts", "-I ,,,1,3,118"),
    _line("verdicts", "-I 0,0,0,1,3"),
    _line("verdicts", "-I 1,5 -R fail"),
    _line("verdicts", "-U -I 1,5 -R fail"),
    _line("verdicts", "-R nothing-is-called-this", quick=True),
    _line("verdicts", "-R nothing-is-called-this --no-tests=error"),
    _line("verdicts", "-R nothing-is-called-this --no-tests=ignore"),
    _line("verdicts", "-R x", environment={"CTEST_NO_TESTS_ACTION": "error"}),
    _line("verdicts", "-R '(' "),
    _line("verdicts", "--rerun-failed -j8"),
    _line("verdicts", "-R 'pass|will-fail'", "--rerun-failed", quick=True),
    _line("verdicts", "-R 'pass|will-fail'", "plain: --rerun-failed"),
    _line("verdicts", "plain: -R 'pass|will-fail'", "--rerun-failed --output-on-failure"),
    _line("verdicts", "-R 'pass|will-fail'", "--rerun-failed -N"),
    _line("verdicts", "-R 'pass|will-fail'", "-R '^pass$'", "--rerun-failed"),
    _line("verdicts", "plain: -R 'pass|will-fail'", "-N", "plain: --rerun-failed"),
    _line("verdicts", "-R 'pass|will-fail'", "-F"),
    _line("verdicts", "--test-dir @BUILD@ -R '^pass$'", directory="@SOURCE@"),
    _line("verdicts", "--test-dir @BUILD@/nothing-here", directory="@SOURCE@"),
    _line("verdicts", "-R '^pass$'", directory="@SOURCE@"),
    _line("verdicts", "--print-labels"),
    _line("verdicts", "--no-such-option -R '^pass$'"),
    _line("verdicts", "-R"),
    _line("verdicts", "-R pass -j", unordered=True),
    _line("verdicts", "-jx -R '^pass$'"),
    _line("verdicts", "-j0 -R '^pass$'", unordered=True),
    _line("verdicts", "-j 2 -R '^pass$'"),
    _line("verdicts", "--parallel 2 -R '^pass'"),
    _line("verdicts", "-R '^pass'", environment={"CTEST_PARALLEL_LEVEL": "3"}),
    _line("verdicts", "-j1 -R '^pass'", environment={"CTEST_PARALLEL_LEVEL": "3"}, unordered=True),
    _line("verdicts", "--version"),
    _line("verdicts", "--help"),
    _line("verdicts", "-C Debug -R '^pass$|^no-such-path'"),
    _line("verdicts", "-R '^pass$' -- extra arguments"),
    _line("verdicts", "--tests-from-file @SOURCE@/CMakeLists.txt"),
    _line("verdicts", "-M Experimental -T Test -R '^pass$'"),
    _line("verdicts", "-T Test -R '^pass$'"),
    # what tests write
    _line("output", _JUNIT, quick=True),
    _line("output", "--output-on-failure"),
    _line("output", "-V"),
    _line("output", f"-j3 -VV {_JUNIT}"),
    _line("output", f"--test-output-truncation head {_JUNIT}"),
    _line("output", f"--test-output-truncation middle {_JUNIT}"),
    _line("output", "-L b -LE c"),
    _line("output", "-L a -L b"),
    _line("output", "-L nothing"),
    _line("output", "--no-label-summary"),
    _line("output", "--print-labels", quick=True),
    _line("output", "--print-labels -R labels"),
    _line("output", "-T Test"),
    # the process context
    _line("environment", "-V -E affinity", quick=True, environment={"FROM_OUTSIDE": "/a:/b"}),
    _line("environment", "-V -R modify", environment={"FROM_OUTSIDE": ""}),
    _line("environment", "-V -R modify"),
    _line("environment", "-Q -R modify -O out.txt", writes=("out.txt",), quick=True),
    _line("environment", "-V -R '^stdin' -j1", stdin="first\nsecond\n"),
    _line("environment", "-V -R 'kind|signals'", shape=TERMINAL),
    _line("environment", "-VV -j2 -R 'processors|arguments'"),
    _line("environment", "-V -j2 -R affinity", since=(4,)),  # Debian's is built without
    _line("environment", "-V -R whole", environment={"CTEST_INTERACTIVE_DEBUG_MODE": "0", "CTEST_RESOURCE_GROUP_COUNT": "7"}),
    # odd names
    _line("names", _JUNIT, quick=True),
    _line("names", "-j3", "-j3", since=(4,)),  # costs of names with blanks
    _line("names", "-N"),
    _line("names", "--show-only=json-v1"),
    _line("names", "-V -R 'blank|^a'"),
    _line("names", "-R blank", "--rerun-failed", since=(4,)),
    _line("names", "--max-width 40"),
    _line("names", "-W 20 -R 'a.b'"),
    # order
    _line("order", "", quick=True),
    _line("order", "-j1", "-j1"),
    _line("order", "-j2", quick=True),
    _line("order", "-j2", "-j2"),
    _line("order", "-j3"),
    _line("order", "-j8", "--rerun-failed -j8"),
    _line("order", "-R 'after|before|one'"),
    _line("order", "-j2 -R 'lock|serial'"),
    _line("order", "-j2 --schedule-random"),
    # fixtures
    _line("fixtures", _JUNIT, quick=True),
    _line("fixtures", f"-j3 {_JUNIT}", quick=True),
    _line("fixtures", "-R uses-a"),
    _line("fixtures", "-R uses-b -V"),
    _line("fixtures", "-R uses-b -FA a"),
    _line("fixtures", "-R uses-b -FS a"),
    _line("fixtures", "-R uses-b -FC '.*'"),
    _line("fixtures", "-R uses-b -N"),
    _line("fixtures", "-R uses-failing --stop-on-failure"),
    _line("fixtures", "-R uses-failing", "--rerun-failed"),
    _line("fixtures", "-I 4,4", "-I 9,9 -j2"),
    _line("fixtures", "-E setup"),
    _line("fixtures", "-R uses-disabled -V"),
    # resources
    _line("resources", "-V", quick=True),
    _line("resources", "-V --resource-spec-file @SOURCE@/spec.json", quick=True),
    _line("resources", "-VV -j4 --resource-spec-file @SOURCE@/spec.json"),
    _line("resources", "-j4 --resource-spec-file @SOURCE@/spec.json " + _JUNIT),
    _line("resources", "--resource-spec-file @SOURCE@/wrong.json"),
    _line("resources", "--resource-spec-file @SOURCE@/cut.json"),
    _line("resources", "--resource-spec-file @SOURCE@/future.json"),
    _line("resources", "--resource-spec-file @SOURCE@/nothing-here.json"),
    # repeats
    _line("repeat", f"--repeat until-pass:3 {_JUNIT}", quick=True),
    _line("repeat", "--repeat until-fail:3", quick=True),
    _line("repeat", "--repeat until-fail:3 -V -R 'passes|fails|steady'"),
    _line("repeat", "--repeat after-timeout:2", quick=True),
    _line("repeat", "--repeat-until-fail 2"),
    _line("repeat", "--repeat until-pass:3 -j3"),
    _line("repeat", "--repeat until-fail:2 -j3 --output-on-failure"),
    _line("repeat", "--repeat until-pass:2 --stop-on-failure"),
    _line("repeat", "--repeat until-pass:2 -R 'passes|broken'", "--rerun-failed --repeat until-pass:2"),
    _line("repeat", "--repeat until-pass:1"),
    _line("repeat", "--repeat until-pass:0"),
    _line("repeat", "--repeat until-pass:x"),
    _line("repeat", "--repeat whenever:2"),
    _line("repeat", "--repeat until-fail:2 --repeat-until-fail 3"),
    # test binaries: the second run finds what the first has made warm
    _line("binaries", "-E with- -V", "-E with- -V", quick=True, stdin="one\ntwo\n"),
    _line("binaries", f"-E with- -j3 {_JUNIT}", f"-j3 {_JUNIT}"),
    _line("binaries", "-R with- -V", "-R with- -V", "-R with- -j2"),
    _line("binaries", "-R 'ordinary.(in-time|state)' --repeat until-fail:3"),
    # what include(CTest) adds
    _line("dashboard", "-T test --output-on-failure", quick=True),
    _line("dashboard", "-T Test -j3 --no-compress-output"),
    _line("dashboard", "-T test --no-compress-output -R 'long|fail'"),
    _line("dashboard", "-D ExperimentalTest -R pass"),
    _line("dashboard", "-T test -R pass", "-T test -R fail"),
    _line("dashboard", "-C Debug", quick=True),
    _line("dashboard", "-C Release -j2"),
    _line("dashboard", "-C Release -N"),
    _line("dashboard", "--build-config Debug --show-only=json-v1"),
    _line("dashboard", "-L directory-label"),
    _line("dashboard", "-R below -V"),
    _line("dashboard", _JUNIT),
    _line("dashboard", "--overwrite TimeOut=1 -R 'too-long|pass'"),
    _line("dashboard", "-T start"),
    _line("dashboard", "-V -R 'ignored|pass'"),
    _line("dashboard", "--test-output-size-passed 1 --test-output-truncation head " + _JUNIT),
    _line("commands", "-V", quick=True),
    # presets
    _preset("usual", quick=True, environment={"FROM_OUTSIDE": "a b"}),
    _preset("usual -V"),
    _preset("usual --rerun-failed -R nothing"),
    _preset("selects", quick=True),
    _preset("selects -E fail -L slow"),
    _preset("numbers"),
    _preset("one-more-number"),
    _preset("one-more-number -N"),
    _preset("repeats"),
    _preset("writes", writes=("out.txt", "junit.xml")),
    _preset("configured -V"),
    _preset("disabled"),
    _preset("by-file"),
    _preset("hidden"),
    _preset("no-such-preset"),
    # bad input
    _line("empty", "", quick=True),
    _line("empty", "--no-tests=error"),
    _line("empty", "-N"),
    _line("empty", "-j4 " + _JUNIT),
    _line("empty", "", directory="@SOURCE@"),
    _line("broken", "", quick=True),
    _line("broken", "-N"),
    _line("broken", "-j2 -V"),
)  # fmt: skip
