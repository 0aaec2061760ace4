"""Reads what plugins write, without what differs from run to run: times, process ids, the order of reports."""

from __future__ import annotations

import html as html_module
import json
import re
from pathlib import Path
from typing import Any


def nothing(out: Path, printed: str) -> dict[str, Any]:
    return {}


def coverage(out: Path, printed: str) -> dict[str, Any]:
    data = json.loads((out / "coverage.json").read_text())
    table = [line for line in printed.splitlines() if re.match(r"(package/|TOTAL)", line)]
    leftover = [path.name for path in out.parent.glob(".coverage.*")]
    return {
        "files": {
            name: [each["executed_lines"], each["missing_lines"], each.get("executed_branches")]
            for name, each in data["files"].items()
        },
        "totals": data["totals"],
        "table": table,
        "left": leftover,
        "data file": (out.parent / ".coverage").exists(),
    }


def random_seed(out: Path, printed: str) -> dict[str, Any]:
    return {"said": re.findall(r"--randomly-seed=\S+", printed)}


def html(out: Path, printed: str) -> dict[str, Any]:
    text = (out / "report.html").read_text()
    blob = re.search(r'data-jsonblob="(.*?)"', text)
    assert blob is not None
    data = json.loads(html_module.unescape(blob.group(1)))
    tests = {
        name: [
            [each["result"], re.sub(r"0x[0-9a-f]+|\[gw\d\]", "…", each["log"]), each["extras"]]
            for each in entries
        ]
        for name, entries in data["tests"].items()
    }
    return {"tests": tests, "title": data["title"], "environment": sorted(data["environment"])}


def json_report(out: Path, printed: str) -> dict[str, Any]:
    data = json.loads((out / "report.json").read_text())
    tests = {
        each["nodeid"]: [
            each["outcome"],
            each.get("metadata"),
            each.get("user_properties"),
            sorted(each["keywords"]),
            {when: each[when]["outcome"] for when in ("setup", "call", "teardown") if when in each},
            each.get("call", {}).get("stdout"),
            each.get("call", {}).get("crash"),
        ]
        for each in data["tests"]
    }
    return {"tests": tests, "summary": data["summary"], "exitcode": data["exitcode"]}


def allure(out: Path, printed: str) -> dict[str, Any]:
    results = {}
    for path in (out / "allure").glob("*-result.json"):
        data = json.loads(path.read_text())
        labels = sorted(
            (label["name"], label["value"])
            for label in data["labels"]
            if label["name"] not in ("host", "thread")
        )
        details = data.get("statusDetails", {}).get("message")
        steps = [each["name"] for each in data.get("steps", ())]
        attached = sorted(each["name"] for each in data.get("attachments", ()))
        results[data["fullName"] + str(data.get("parameters"))] = [
            data["name"],
            data["status"],
            details,
            labels,
            steps,
            attached,
        ]
    threads = {
        label["value"]
        for path in (out / "allure").glob("*-result.json")
        for label in json.loads(path.read_text())["labels"]
        if label["name"] == "thread"
    }
    kinds = sorted(path.name.split("-")[-1] for path in (out / "allure").iterdir())
    return {"results": results, "files": kinds, "workers": len(threads)}


def metadata(out: Path, printed: str) -> dict[str, Any]:
    return {"metadata": json.loads((out / "metadata.json").read_text())}


def snapshots(out: Path, printed: str) -> dict[str, Any]:
    lines = printed.splitlines()
    return {
        "summary": [line for line in lines if "snapshot" in line.lower() and "def " not in line]
    }


def instafail(out: Path, printed: str) -> dict[str, Any]:
    titles = [line.strip("_ ") for line in printed.splitlines() if line.startswith("____")]
    return {"failures at once": sorted(titles)}


def sugar(out: Path, printed: str) -> dict[str, Any]:
    lines = [line.strip() for line in re.sub(r"\x1b\[[\d;]*m", "", printed).splitlines()]
    place = next(number for number, line in enumerate(lines) if line.startswith("Results ("))
    headings = [line for line in lines[:place] if line.startswith("―")]
    results = [line for line in lines[place + 1 :] if line]
    return {"results": sorted(results), "failures": sorted(headings)}
