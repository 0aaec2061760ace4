"""What a run itself looks at, for a client that watches it: recorded as on the way to a stage, and told at the end."""

from __future__ import annotations

import os
from typing import Any

from . import _native, ending
from .channel import ChannelClosed
from .data_channel import DataChannel
from .messages import Trace
from .order import Order
from .recorder import Recorder


def begin(recorder: Recorder, order: Order, config: Any) -> None:
    """Record from here on, in a process of a run."""
    recorder.start_in_run()
    ending.at_the_very_end(lambda: _tell(recorder, order, config))


def _tell(recorder: Recorder, order: Order, config: Any) -> None:
    recorder.stop()
    # What tests do in their temporary directories is nobody's input, and may be large.
    factory = getattr(config, "_tmp_path_factory", None)
    base = getattr(factory, "_basetemp", None)
    if base is not None:
        recorder.ignore([os.fspath(base)])
    wire: Any = Trace([]).to_wire()
    wire[1]["files"] = recorder.take()
    frame = _native.pack_frame(wire)
    try:
        if order.is_worker:
            data = DataChannel(order.data, order.control)
            data.queue_frame(frame)
            data.flush(ring=True)
        else:
            order.control.send_raw(frame)
    except ChannelClosed:
        pass  # who watches does without
