"""Compares the scheduler with pytest-xdist's own: same collections, completions and crashes.

    python against_xdist.py PATH/TO/scheduler_text [number of trials]

Both sides are told the same things in the same random order (seeded by the trial's number). Each
answer must send the same items to the same workers, and, as long as no worker was lost, tell the
same workers that nothing more comes. Exit status 77 if pytest-xdist cannot be imported.
"""

from __future__ import annotations

import importlib
import random
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, ClassVar

try:
    schedulers: Any = importlib.import_module("xdist.scheduler")
except ImportError:
    print("skipped: this python has no pytest-xdist")
    sys.exit(77)

Answer = dict[int, list[int]]
DURATIONS = (0.0, 0.02, 0.0999, 0.1, 0.5)


class Node:
    """What xdist's schedulers need of a worker, and what they told it."""

    def __init__(self, number: int, number_of_items: int) -> None:
        self.number = number
        self.number_of_items = number_of_items
        self.gateway = SimpleNamespace(id=f"gw{number}", spec="popen")
        self.sent: list[int] = []
        self.asked_for: list[int] | None = None  # to be given back
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent.extend(indices)

    def send_runtest_all(self) -> None:
        self.sent.extend(range(self.number_of_items))

    def send_steal(self, indices: list[int]) -> None:
        self.asked_for = list(indices)

    def shutdown(self) -> None:
        self.shutting_down = True


class NoLog:
    """The log that xdist's schedulers write to."""

    def __getattr__(self, name: str) -> NoLog:
        return self

    def __call__(self, *words: object) -> None:
        """Writes nothing."""


class Xdist:
    """pytest-xdist's scheduler, with nodes that only remember."""

    KINDS: ClassVar = {
        "load": "LoadScheduling",
        "load_scope": "LoadScopeScheduling",
        "load_file": "LoadFileScheduling",
        "load_group": "LoadGroupScheduling",
        "work_steal": "WorkStealingScheduling",
        "each": "EachScheduling",
    }

    def __init__(
        self, policy: str, ids: list[str], workers: int, max_chunk: int | None, *, reorder: bool
    ) -> None:
        config: Any = SimpleNamespace(
            option=SimpleNamespace(loadscopereorder=reorder),
            getvalue=lambda name: ["popen"] * workers,
            getoption=lambda name: max_chunk,
        )
        self.scheduling = getattr(schedulers, self.KINDS[policy])(config, NoLog())
        self.ids = ids
        self.nodes: dict[int, Node] = {}
        for number in range(workers):
            self._add(number)
        self.scheduling.schedule()

    def _add(self, number: int) -> None:
        node = self.nodes[number] = Node(number, len(self.ids))
        self.scheduling.add_node(node)
        self.scheduling.add_node_collection(node, self.ids)

    def finish(self, number: int, item: int, duration: float) -> None:
        self.scheduling.mark_test_complete(self.nodes[number], item, duration)

    def give_back(self, number: int, items: list[int]) -> None:
        self.nodes[number].asked_for = None
        self.scheduling.remove_pending_tests_from_node(self.nodes[number], items)

    def asked_for(self) -> Answer:
        """Items that workers are asked to give back."""
        return {
            number: node.asked_for
            for number, node in self.nodes.items()
            if node.asked_for is not None
        }

    def lose(self, number: int) -> str | None:
        lost: str | None = self.scheduling.remove_node(self.nodes.pop(number))
        return lost

    def replace(self, number: int) -> None:
        self._add(number)
        self.scheduling.schedule()

    def answer(self) -> Answer:
        """Items sent since the last call, by worker."""
        sent = {number: node.sent for number, node in self.nodes.items() if node.sent}
        for node in self.nodes.values():
            node.sent = []
        return sent

    def told_to_finish(self) -> set[int]:
        return {number for number, node in self.nodes.items() if node.shutting_down}


class Hearth:
    """Our scheduler, at the other end of a pipe."""

    def __init__(self, program: str) -> None:
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.begin("slots 8")

    def begin(self, slots: str) -> None:
        self._write(slots)
        self.sent: Answer = {}
        self.asked_for: Answer = {}
        self.started: list[int] = []
        self.lost: list[int] = []
        self.finishing: set[int] = set()

    def _write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def tell(self, event: str) -> None:
        assert self.process.stdout is not None
        self._write(event)
        while (line := self.process.stdout.readline()) not in (".\n", ""):
            kind, _run, *words = line.split()
            if kind == "start_worker":
                self.started.append(int(words[0][2:]))
            elif kind == "assign_items":
                self.sent.setdefault(int(words[0][2:]), []).extend(map(int, words[1:]))
            elif kind == "revoke_items":
                self.asked_for[int(words[0][2:])] = list(map(int, words[1:]))
            elif kind == "report_lost_item":
                self.lost.append(int(words[1]))
            elif kind == "finish_worker":
                self.finishing.add(int(words[0][2:]))
        if line == "":
            raise AssertionError(f"no answer to {event!r}")

    def bring_up(self) -> list[int]:
        started, self.started = self.started, []
        for number in started:
            self.tell(f"worker_started r1 gw{number}")
        return started

    def answer(self) -> Answer:
        sent, self.sent = self.sent, {}
        return sent


class Trial:
    """One run on both sides."""

    def __init__(self, hearth: Hearth, number: int) -> None:
        self.random = random.Random(number)
        self.hearth = hearth
        self.log: list[str] = []
        self.policy = self.random.choice(tuple(Xdist.KINDS))
        # A lost worker makes xdist's policies with scopes hang or run items again: nothing to compare.
        is_rough = self.policy in ("load", "work_steal", "each") and self.random.random() < 0.4
        self.crashing = 0.05 if is_rough else 0.0
        self.losses = 0
        self.queues: Answer = {}

    def run(self) -> None:
        ids, collection = self._collection()
        workers = self.random.randint(1, 6)
        reorder = self.random.random() < 0.7
        max_chunk = self.random.choice((None, None, 1, 2, 3, 7))
        chunk = "" if max_chunk is None else f" max_chunk={max_chunk}"
        self.hearth.begin("slots 8")
        order = "" if reorder else " order=collected"
        options = f"workers={workers} max_restarts=1000{chunk}{order}"
        self._tell(f"run_submitted r1 {self.policy} {collection} {options}")
        if self.policy == "work_steal":
            workers = min(workers, len(ids))  # xdist lets the first ones have nothing, we the last
        self.xdist = Xdist(self.policy, ids, workers, max_chunk, reorder=reorder)
        present = self.first = self.hearth.bring_up()
        for idle in set(self.xdist.nodes) - set(present):
            del self.xdist.nodes[idle]  # it got nothing, which the comparison of answers shows
        self._compare()
        while any(self.queues.values()):
            self._go_on()

    def _collection(self) -> tuple[list[str], str]:
        if self.policy in ("load", "work_steal", "each"):
            items = self.random.choice((self.random.randint(1, 12), self.random.randint(1, 300)))
            return [f"test_it.py::test_{i}" for i in range(items)], f"items={items}"
        if self.policy in ("load_scope", "load_group"):
            return self._scattered()
        most = self.random.choice((2, 9, 30))
        sizes = [self.random.randint(1, most) for _ in range(self.random.randint(1, 20))]
        ids = [
            f"test_{f}.py::TestIt::test_{i}" for f, size in enumerate(sizes) for i in range(size)
        ]
        return ids, "files=" + ",".join(map(str, sizes))

    def _scattered(self) -> tuple[list[str], str]:
        """Items in classes, or in groups, which need not follow one another."""
        ids, groups = [], []
        for i in range(self.random.randint(1, 60)):
            scope = self.random.choice(("", "::TestA", "::TestB"))
            ids.append(f"test_{self.random.randint(0, 3)}.py{scope}::test_{i}")
            groups.append(self.random.choice(("", "", "x", "y", "z")))
        if self.policy == "load_scope":
            return ids, "ids=" + ",".join(ids)
        suffixed = [f"{id}@{group}" if group else id for id, group in zip(ids, groups)]
        return suffixed, "ids=" + ",".join(ids) + " groups=" + ",".join(groups)

    def _tell(self, event: str) -> None:
        self.log.append(event)
        self.hearth.tell(event)

    def _go_on(self) -> None:
        ready = [
            number
            for number, queue in self.queues.items()
            if len(queue) >= 2 or (queue and number in self.hearth.finishing)
        ]
        asked = self.hearth.asked_for
        if asked and (not ready or self.random.random() < 0.3):
            self._give_back(*asked.popitem())
            self._compare()
            return
        assert ready, f"every worker waits for a successor of its item: {self.queues}"
        number = self.random.choice(ready)
        item = self.queues[number][0]
        self._tell(f"item_started r1 gw{number} {item}")
        if self.random.random() < self.crashing and self._may_lose(number):
            self._lose(number, item)
        else:
            duration = self.random.choice(DURATIONS)
            self.queues[number].pop(0)
            self._tell(f"item_finished r1 gw{number} {item} duration={duration}")
            self.xdist.finish(number, item, duration)
        self._compare()

    def _may_lose(self, number: int) -> bool:
        """In xdist's `each` it ends with a KeyError when a replacement is lost."""
        return self.policy != "each" or number in self.first

    def _give_back(self, number: int, items: list[int]) -> None:
        """What it has not begun nor promised, if that is all that it is asked for (xdist's workers give all or nothing)."""
        free = self.queues[number][2:]
        given = items if set(items) <= set(free) else []
        self.queues[number] = [item for item in self.queues[number] if item not in given]
        self._tell(f"items_revoked r1 gw{number} {' '.join(map(str, given))}")
        self.xdist.give_back(number, given)

    def _lose(self, number: int, item: int) -> None:
        self.losses += 1
        self.hearth.asked_for.pop(number, None)
        del self.queues[number]
        lost = self.xdist.lose(number)
        assert lost == self.xdist.ids[item], f"xdist takes {lost} for the item that crashed"
        self._tell(f"worker_exited r1 gw{number}")
        assert self.hearth.lost.pop() == item
        for replacement in self.hearth.bring_up():
            self.xdist.replace(replacement)

    def _compare(self) -> None:
        ours = self.hearth.answer()
        theirs = self.xdist.answer()
        assert ours == theirs, f"hearth sent {ours}, xdist {theirs}"
        asked, theirs = self.hearth.asked_for, self.xdist.asked_for()
        assert asked == theirs, f"hearth asked for {asked}, xdist for {theirs}"
        if self.losses == 0:
            finishing = self.xdist.told_to_finish()
            assert self.hearth.finishing == finishing, f"{self.hearth.finishing} != {finishing}"
        else:
            # xdist lets a replacement that got a single item wait; we tell it that nothing follows.
            for number in self.hearth.finishing & self.xdist.nodes.keys():
                self.xdist.nodes[number].shutdown()
        for number, items in ours.items():
            self.queues.setdefault(number, []).extend(items)


def main() -> int:
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    hearth = Hearth(sys.argv[1])
    steps = losses = 0
    for number in range(trials):
        trial = Trial(hearth, number)
        try:
            trial.run()
        except AssertionError as difference:
            print(f"trial {number} ({trial.policy}): {difference}\nafter:", *trial.log, sep="\n  ")
            return 1
        steps += len(trial.log)
        losses += trial.losses
    print(f"{trials} runs alike, {steps} events, {losses} lost workers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
