"""What a worker that died has noted of its test's reports."""

from __future__ import annotations

import fake_daemon  # noqa: F401  makes _hearth_runtime importable
import pytest

from _hearth_runtime.last_words import packs_of  # type: ignore[import-not-found]


def _noted(*packs: bytes) -> bytes:
    return b"".join(len(pack).to_bytes(4, "big") + pack for pack in packs)


def test_packs_come_in_their_order() -> None:
    assert list(packs_of(_noted(b"first", b"", b"third"))) == [b"first", b"", b"third"]
    assert list(packs_of(b"")) == []


@pytest.mark.parametrize("left", [1, 4, 6])
def test_a_pack_that_was_not_written_whole_is_left_out(left: int) -> None:
    assert list(packs_of(_noted(b"first") + _noted(b"second")[:left])) == [b"first"]
