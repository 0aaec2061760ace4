"""Rubbish on the daemon's sockets closes that conversation and nothing else."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator

import pytest

from tests.e2e.hearth import Hearth
from tests.e2e.raw_sockets import Dealer, connect, wait_closed
from tests.support.processes import Process, is_alive

_NIL = b"\xc0"
_ARRAY_32 = b"\xdd\xff\xff\xff\xff"
_RUBBISH = {
    "nothing": b"",
    "text": b"GET / HTTP/1.1\r\n\r\n",
    "nil": _NIL,
    "unknown message": b"\x92\xcd\x03\xe7\x80",
    "hello without fields": b"\x92\x01\x80",
    "hello with wrong types": b"\x92\x01\x83\xa8protocol\xa1x\xa8features\x01\xa7version\x90",
    "array that claims 4 thousand million entries": _ARRAY_32,
    "string that claims 4 GiB": b"\xdb\xff\xff\xff\xff",
    "nested a hundred thousand times": b"\x91" * 100_000 + _NIL,
    "a message of the other side": b"\x92\x02\x84\xa8protocol\x01\xa8features\x90\xa7version\xa1x\xa3pid\x01",
    "a worker's message": b"\x92\x28\x80",
    "random bytes": random.Random(1).randbytes(5000),
}
_HELLO = b"\x92\x01\x83\xa8protocol\x01\xa8features\x91\xa6pytest\xa7version\xa5tests"


@pytest.fixture
def daemon(hearth: Hearth) -> Iterator[Process]:
    """A daemon; after the test it is the same, and a run through it works."""
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    hearth.daemon.start()
    process = hearth.daemon_process()
    yield process
    assert is_alive(process)
    done = hearth.pytest("-n", "2")
    assert (done.exit_code, done.counts) == (0, {"passed": 1}), str(done)
    assert hearth.daemon_process() == process


@pytest.mark.parametrize("rubbish", _RUBBISH.values(), ids=_RUBBISH.keys())
def test_rubbish_instead_of_a_message_does_not_stop_the_daemon(
    hearth: Hearth, daemon: Process, rubbish: bytes
) -> None:
    for first in ([], [_HELLO]):
        dealer = Dealer(hearth.runtime / "clients")
        for message in [*first, rubbish]:
            dealer.send(message)
        hearth.daemon.status()  # served after what came before it, by the daemon's one loop
        assert is_alive(daemon)
        dealer.close()


@pytest.mark.parametrize("rubbish", _RUBBISH.values(), ids=_RUBBISH.keys())
def test_rubbish_in_a_frame_on_the_streams_socket_closes_that_connection(
    hearth: Hearth, daemon: Process, rubbish: bytes
) -> None:
    connection = connect(hearth.runtime / "streams")
    connection.sendall(struct.pack(">I", len(rubbish)) + rubbish)
    wait_closed(connection)
    assert is_alive(daemon)


@pytest.mark.parametrize("size", [2**32 - 1, 2**28 + 1])
def test_a_frame_that_claims_to_be_huge_closes_the_connection_at_once(
    hearth: Hearth, daemon: Process, size: int
) -> None:
    connection = connect(hearth.runtime / "streams")
    connection.sendall(struct.pack(">I", size))
    wait_closed(connection)
    assert is_alive(daemon)


def test_every_truncation_of_a_hello_is_survived(hearth: Hearth, daemon: Process) -> None:
    dealer = Dealer(hearth.runtime / "clients")
    for length in range(len(_HELLO)):
        dealer.send(_HELLO[:length])
    dealer.close()
    for length in range(len(_HELLO)):
        connection = connect(hearth.runtime / "streams")
        connection.sendall(struct.pack(">I", len(_HELLO)) + _HELLO[:length])
        connection.close()
    hearth.daemon.status()
    assert is_alive(daemon)


def test_bytes_that_are_no_zeromq_are_survived(hearth: Hearth, daemon: Process) -> None:
    for data in (b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", random.Random(2).randbytes(1000)):
        connection = connect(hearth.runtime / "clients")
        connection.sendall(data)
        connection.close()
    dealer = Dealer(hearth.runtime / "clients")
    dealer.send_raw(b"\x02" + struct.pack(">Q", 2**62))  # a frame that claims to be huge
    dealer.close()
    hearth.daemon.status()
    assert is_alive(daemon)


def test_a_client_that_speaks_no_common_version_is_told_what_to_do(
    hearth: Hearth, daemon: Process
) -> None:
    dealer = Dealer(hearth.runtime / "clients")
    dealer.send(b"\x92\x01\x83\xa8protocol\x00\xa8features\x90\xa7version\xa50.0.1")
    answer = dealer.receive()
    dealer.close()
    assert answer.startswith(b"\x92\x03"), answer  # refused
    assert b"hearth stop" in answer
    assert is_alive(daemon)


def test_descriptors_where_none_belong_are_not_kept(hearth: Hearth, daemon: Process) -> None:
    """A pipe whose write end is sent with rubbish reports end of file once the daemon has closed it."""
    left, right = socket.socketpair()
    connection = connect(hearth.runtime / "streams")
    socket.send_fds(connection, [struct.pack(">I", 1) + _NIL], [right.fileno()] * 8)
    right.close()
    wait_closed(connection)
    left.settimeout(30)
    assert left.recv(1) == b""
    left.close()
    assert is_alive(daemon)


def test_connections_that_say_nothing_keep_nobody_waiting(hearth: Hearth, daemon: Process) -> None:
    idle = [connect(hearth.runtime / name) for name in ("streams", "clients") for _ in range(20)]
    assert hearth.pytest().exit_code == 0
    for connection in idle:
        connection.close()
    assert is_alive(daemon)
