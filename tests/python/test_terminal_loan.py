"""Which worker's debugger has the terminal, and when the next one gets it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from fake_daemon import load_package

load_package()
from _hearth_runtime.terminal_loan import TerminalLoan  # type: ignore[import-not-found]  # noqa: E402


class Daemon:
    """The end of the transport that matters here."""

    def __init__(self) -> None:
        self.lent: list[str] = []
        self.interrupted: list[str] = []

    def lend_terminal(self, worker: str) -> None:
        self.lent.append(worker)

    def interrupt(self, worker: str) -> None:
        self.interrupted.append(worker)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def loan(daemon: Daemon) -> Iterator[TerminalLoan]:
    loan = TerminalLoan(daemon, lambda worker: None)
    yield loan
    loan.close()


def test_it_is_lent_to_the_first_that_asks(loan: TerminalLoan, daemon: Daemon) -> None:
    loan.requested("gw1")
    loan.requested("gw0")
    assert (daemon.lent, loan.is_lent) == (["gw1"], True)


def test_the_next_gets_it_when_the_test_that_had_it_has_ended(
    loan: TerminalLoan, daemon: Daemon
) -> None:
    loan.requested("gw1")
    loan.requested("gw0")
    loan.returned("gw1", in_item=True)
    assert (daemon.lent, loan.is_lent) == (["gw1"], False)
    loan.requested("gw1")  # its next breakpoint
    loan.returned("gw1", in_item=True)
    loan.test_ended("gw1")
    assert daemon.lent == ["gw1", "gw1", "gw0"]


def test_outside_a_test_the_next_gets_it_at_once(loan: TerminalLoan, daemon: Daemon) -> None:
    loan.requested("gw1")
    loan.requested("gw0")
    loan.returned("gw1", in_item=False)
    assert (daemon.lent, loan.is_lent) == (["gw1", "gw0"], True)


def test_a_borrower_that_dies_gives_it_back(loan: TerminalLoan, daemon: Daemon) -> None:
    loan.requested("gw1")
    loan.requested("gw0")
    loan.worker_ended("gw1")
    assert daemon.lent == ["gw1", "gw0"]


def test_who_does_not_want_it_any_more_does_not_get_it(loan: TerminalLoan, daemon: Daemon) -> None:
    loan.requested("gw1")
    loan.requested("gw0")
    loan.returned("gw0", in_item=True)
    loan.worker_ended("gw1")
    assert (daemon.lent, loan.is_lent) == (["gw1"], False)


def test_an_interrupt_is_the_borrowers_while_it_is_lent(loan: TerminalLoan, daemon: Daemon) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    loan.requested("gw1")
    os.kill(os.getpid(), signal.SIGINT)
    loan.pass_on_interrupt()
    loan.pass_on_interrupt()
    assert daemon.interrupted == ["gw1"]
    loan.returned("gw1", in_item=True)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)
