"""Test reports on their way from a worker to the controller.

What travels is what `pytest_report_to_serializable` makes of a report. Where only pytest's own implementation of that hook is
there, a plain report is sent in a shorter form to the same effect: what the reports of one item have in common once.

    [common, [report, …]]     common: [nodeid, location, keywords], or None
    report: [when, outcome, duration, start, stop, longrepr, sections, user_properties] for the short form,
            or a dict, as the hook made it
"""

from __future__ import annotations

from typing import Any, Optional

import pytest
from _pytest._code.code import TerminalRepr

from . import _native

_PLAIN_ATTRIBUTES = {
    "location",
    "keywords",
    "outcome",
    "longrepr",
    "when",
    "user_properties",
    "sections",
    "duration",
    "start",
    "stop",
}
_NODE_ID_ATTRIBUTES = ({"nodeid"}, {"_id"})


def only_core_implements(manager: Any, hook: str) -> bool:
    """Whether nobody but pytest itself has a say in the hook."""
    return all(
        implementation.function.__module__.startswith("_pytest.")
        for implementation in getattr(manager.hook, hook).get_hookimpls()
    )


# Marks a report whose longrepr was an object that shows itself, and travels as its text.
_SHOWS_ITSELF = "$hearth_shows_itself"


def serialise(config: Any, report: Any) -> Any:
    """A test's or collector's report as pytest_report_to_serializable makes it."""
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    if (
        isinstance(data, dict)
        and type(data.get("longrepr")) is str
        and hasattr(report.longrepr, "toterminal")
    ):
        data[_SHOWS_ITSELF] = True
    return data


def deserialise(config: Any, data: Any) -> Any:
    """What serialise was given."""
    shows_itself = data.pop(_SHOWS_ITSELF, False)
    report = config.hook.pytest_report_from_serializable(config=config, data=data)
    if shows_itself and type(report.longrepr) is str:
        report.longrepr = ShownText(report.longrepr)
    return report


class ShownText(TerminalRepr):
    """A failure's text (an import error, an unknown fixture, a doctest). pytest's summary treats a plain str otherwise."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def toterminal(self, tw: Any) -> None:
        tw.line(self.text)


class Plain:
    """Brings values that cannot travel into a form that can, and remembers which ones lost something by it."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def __call__(self, value: object) -> object:
        # A subclass of a plain type that also reads like one loses nothing that a report could show.
        for kind in (bool, int, float, str, bytes):
            if isinstance(value, kind):
                make: Any = kind
                plain: object = make(value)
                try:
                    if str(plain) == str(value):
                        return plain
                except Exception:
                    pass
                break
        text = _safe_repr(value)
        if text not in self.lost:
            self.lost.append(text)
        return text


def _safe_repr(value: object) -> str:
    try:
        return repr(value)[:1000]
    except Exception as error:
        return f"<{type(value).__name__} whose repr failed: {type(error).__name__}>"


class ReportPacker:
    """The worker's side."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._is_plain = only_core_implements(config.pluginmanager, "pytest_report_to_serializable")
        # By identity, with the report, so that this stays its own: the hook is called once for each.
        self._serialised: dict[int, tuple[Any, Any]] = {}

    def forget(self) -> None:
        """The item is over."""
        self._serialised.clear()

    def pack(self, reports: list[Any]) -> tuple[bytes, int, list[str]]:
        """The reports of one item; how many of them count as failures; the values that cannot travel, and became their reprs."""
        plain = Plain()
        wire, failures = self._wire(reports)
        return _native.dumps(wire, plain), failures, plain.lost

    def _wire(self, reports: list[Any]) -> tuple[list[Any], int]:
        common: Optional[list[Any]] = None
        failures = 0
        rows: list[Any] = []
        for report in reports:
            if report.outcome == "failed" and not hasattr(report, "wasxfail"):
                failures += 1
            if self._is_plain and _is_plain_report(report):
                if common is None:
                    common = [report.nodeid, report.location, list(report.keywords)]
                elif common[0] != report.nodeid:
                    rows.append(self._serialise(report))
                    continue
                rows.append(
                    [
                        report.when,
                        report.outcome,
                        report.duration,
                        getattr(report, "start", 0.0),
                        getattr(report, "stop", 0.0),
                        report.longrepr,
                        report.sections,
                        report.user_properties,
                    ]
                )
            else:
                rows.append(self._serialise(report))
        return [common, rows], failures

    def _serialise(self, report: Any) -> Any:
        if id(report) not in self._serialised:
            self._serialised[id(report)] = report, serialise(self._config, report)
        return self._serialised[id(report)][1]


def _is_plain_report(report: Any) -> bool:
    if type(report) is not pytest.TestReport:
        return False
    longrepr = report.longrepr
    if longrepr is not None and type(longrepr) is not tuple and type(longrepr) is not str:
        return False
    return (report.__dict__.keys() - _PLAIN_ATTRIBUTES) in _NODE_ID_ATTRIBUTES


class ReportUnpacker:
    """The controller's side."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._is_plain = only_core_implements(
            config.pluginmanager, "pytest_report_from_serializable"
        )
        # Newer releases of pytest have times of their own in a report.
        self._has_times = (
            "start" in pytest.TestReport("n", ("n", 0, "n"), {}, "passed", None, "call").__dict__
        )

    def unpack(self, packed: bytes) -> list[Any]:
        """The reports of one item, in the order in which they were made."""
        common, rows = _native.loads(packed)
        first: Optional[dict[str, Any]] = None
        reports: list[Any] = []
        for row in rows:
            if type(row) is dict:
                reports.append(deserialise(self._config, row))
                continue
            if not self._is_plain:
                reports.append(self._from_hook(common, row))
                continue
            if first is None:
                report = self._construct(common, row)
                first = report.__dict__
            else:
                report = self._like(first, common, row)
            reports.append(report)
        return reports

    def _construct(self, common: list[Any], row: list[Any]) -> Any:
        when, outcome, duration, start, stop, longrepr, sections, user_properties = row
        times = {"start": start, "stop": stop} if self._has_times else {}
        return pytest.TestReport(
            nodeid=common[0],
            location=common[1],
            keywords=dict.fromkeys(common[2], 1),
            outcome=outcome,
            longrepr=longrepr,
            when=when,
            sections=sections,
            duration=duration,
            user_properties=user_properties,
            **times,
        )

    def _like(self, first: dict[str, Any], common: list[Any], row: list[Any]) -> Any:
        """One more report of the same item: its class's __init__ would parse the node id again."""
        report = pytest.TestReport.__new__(pytest.TestReport)
        attributes = report.__dict__
        attributes.update(first)
        attributes["keywords"] = dict.fromkeys(common[2], 1)
        (
            attributes["when"],
            attributes["outcome"],
            attributes["duration"],
            start,
            stop,
            attributes["longrepr"],
            attributes["sections"],
            attributes["user_properties"],
        ) = row
        if self._has_times:
            attributes["start"] = start
            attributes["stop"] = stop
        return report

    def _from_hook(self, common: list[Any], row: list[Any]) -> Any:
        when, outcome, duration, start, stop, longrepr, sections, user_properties = row
        data: dict[str, Any] = {
            "$report_type": "TestReport",
            "nodeid": common[0],
            "location": common[1],
            "keywords": dict.fromkeys(common[2], 1),
            "outcome": outcome,
            "longrepr": longrepr,
            "when": when,
            "sections": sections,
            "duration": duration,
            "user_properties": user_properties,
        }
        if self._has_times:
            data.update(start=start, stop=stop)
        return self._config.hook.pytest_report_from_serializable(config=self._config, data=data)
