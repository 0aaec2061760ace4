"""What may differ between two runs of one ctest: times, and the order of what runs side by side."""

from __future__ import annotations

import base64
import io
import re
import tarfile
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Iterator, Mapping

_DATE = r"\w{3} \d\d \d\d:\d\d(?::\d\d)? \w+"
# Of a dashboard: the minute. In names an underscore goes before it.
_TAG = re.compile(r"(?<!\d)\d{8}-\d{4}(?!\d)")
_TEMPORARY = re.compile(r"\.tmp[0-9a-f]{5}$")
_REPLACEMENTS = (
    (re.compile(rf"^(Start testing: |End testing: |\".*\" (?:start|end) time: ){_DATE}$", re.M), r"\1DATE"),
    (re.compile(r"(time elapsed: )\d\d:\d\d:\d\d"), r"\g<1>00:00:00"),
    (re.compile(r"(Test timeout computed to be: )\d{5,}$", re.M), r"\1MANY"),
    (re.compile(r"(Test order random seed: )\d+"), r"\1SEED"),
    (_TAG, "TAG"),
    # what sanitizers tell
    (re.compile(r"==\d+==|\(pid=\d+\)|tid=\d+"), "==N=="),
    (re.compile(r"0x[0-9a-f]{4,}"), "0xN"),
    (re.compile(r"^(?:\d+: )?(?:=>|  )0xN:[ \[\]0-9a-f]+$", re.M), "SHADOW"),
)  # fmt: skip
# Which one a test gets hangs on what else runs.
_RESOURCE = re.compile(r"\bid:\w+")
# With the blanks before it, so that the column stays.
_SECONDS = re.compile(r" *\d+\.\d\d sec\b")
_COUNTER = re.compile(r"^( *\d+)/(\d+)(?= Test )", re.M)
_REPEATED = re.compile(r"^ +Test +#", re.M)  # a result without a number
_SUMMARY = re.compile(r"^(\d+% tests passed|No tests were found)", re.M)
_COST = re.compile(r"^(.*) (\d+) (\S+)$")
# Elements of JUnit and Test.xml whose text is a time, and attributes likewise.
_TIMES = {"StartDateTime", "EndDateTime", "StartTestTime", "EndTestTime", "ElapsedMinutes"}
_TIME_ATTRIBUTES = {"time", "timestamp"}
_TIME_MEASUREMENTS = {"Execution Time"}


def normal_text(text: str) -> str:
    for pattern, by in _REPLACEMENTS:
        text = pattern.sub(by, text)
    return _SECONDS.sub(lambda found: "0.00 sec".rjust(len(found[0])), text)


def normal_name(path: str) -> str:
    return _TEMPORARY.sub(".tmp", _TAG.sub("TAG", path))


def normal_output(text: str, ordered: bool) -> str:
    """Standard output. What ran side by side is sorted by lines, up to the summary; the counter is replaced if it counts."""
    text = normal_text(text)
    if ordered:
        return text
    text = _RESOURCE.sub("id:ANY", text)
    found = _SUMMARY.search(text)
    head, tail = (text[: found.start()], text[found.start() :]) if found else (text, "")
    if _counts(head):
        head = _COUNTER.sub("N/N", head)
    return "".join(sorted(head.splitlines(keepends=True))) + tail


def _counts(text: str) -> bool:
    """Whether the numbers before the results are 1, 2, 3, …; where tests are repeated, some are left out or come again."""
    numbers = [int(match[1]) for match in _COUNTER.finditer(text)]
    if _REPEATED.search(text):
        return numbers == sorted(numbers)
    return numbers == list(range(1, len(numbers) + 1))


def normal_file(path: str, content: bytes, ordered: bool) -> str:
    """A file that ctest has written, by its name."""
    name = path.rpartition("/")[2]
    text = content.decode(errors="backslashreplace")
    if not ordered:
        text = _RESOURCE.sub("id:ANY", text)
    if name.endswith(".xml"):
        return "\n".join(_xml(text, ordered))
    text = normal_text(text)
    if name == "CTestCostData.txt":
        return _costs(text, ordered)
    if name.startswith("LastTest") and name.endswith(".log") and not ordered:
        # "Start testing", a block for each test, why others were not started, "End testing"; or lines, where it is a list.
        parts = re.split(
            r"(?m)^(?=\d+/\d+ Testing: |Unable to |Failed |Insufficient |End testing: )", text
        )
        if len(parts) == 1:
            parts = text.splitlines(keepends=True)
        return "".join(sorted(parts))
    return text


def _costs(text: str, ordered: bool) -> str:
    """How long each took is no matter, but whether anything was measured."""
    lines, rest = [], text
    before, rule, rest = text.partition("---\n")
    for line in before.splitlines():
        found = _COST.match(line)
        cost = ("0" if float(found[3]) == 0 else "SOME") if found else ""
        lines.append(f"{found[1]} {found[2]} {cost}" if found else line)
    failed = rest.splitlines()
    if not ordered:
        lines.sort()
        failed.sort()
    return "\n".join([*lines, rule.strip(), *failed])


def _xml(text: str, ordered: bool) -> Iterator[str]:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        # ctest itself writes what is no XML, for some outputs.
        return iter([f"no XML: {error}", *text.splitlines()])
    if not ordered:
        for parent in root.iter():
            children = list(parent)
            if any(child.tag in ("testcase", "Test") for child in children):
                parent[:] = sorted(children, key=lambda child: "\n".join(_element(child, "")))
    return _element(root, "")


def _element(
    element: ElementTree.Element, indent: str, encoded: Mapping[str, str] | None = None
) -> Iterator[str]:
    """encoded: attributes of the measurement whose value the element is."""
    attributes = {
        name: "TIME" if name in _TIME_ATTRIBUTES else normal_text(value)
        for name, value in element.attrib.items()
    }
    words = "".join(f" {name}={value!r}" for name, value in attributes.items())
    text = (element.text or "").strip()
    coding = {**(encoded or {}), **attributes}
    if element.tag in _TIMES:
        text = "TIME"
    elif element.tag == "Value" and coding.get("encoding") == "base64":
        text = _decoded(base64.b64decode(text), coding.get("compression", "")).strip()
        if element.attrib.get("encoding"):
            words = ""  # whether it is compressed is no matter
    yield f"{indent}<{element.tag}{words}> {normal_text(text)!r}"
    for child in element:
        if child.tag == "properties" and len(child) == 0:  # newer ctests write it, for nothing
            continue
        if attributes.get("name") in _TIME_MEASUREMENTS and child.tag == "Value":
            child.text = "TIME"
        yield from _element(child, indent + "  ", attributes)


def _decoded(data: bytes, compression: str) -> str:
    """What a measurement holds: an output, or an attached file in an archive of its own."""
    if compression == "gzip":
        data = zlib.decompress(data)
    elif compression == "tar/gzip":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            members = archive.getmembers()
            files = [archive.extractfile(member) for member in members if member.isfile()]
            data = b"".join(file.read() for file in files if file)
        return f"{[member.name for member in members]} {data!r}"
    return data.decode(errors="backslashreplace")
