"""Robot Framework listener of ``scripts/conformance.py``: a time limit on every test, and one JSON line per event.

It runs in the suite's own environment, so it imports nothing of ours. ``--listener conformance_listener.py:FILE:LIMIT``.
"""

import json
import os

MESSAGE_MAX = 2000


class conformance_listener:  # Robot Framework wants the class named like its file
    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, path: str, limit_s: str) -> None:
        self._file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 (closed with the process)
        self._limit_s = float(limit_s)

    def start_suite(self, data, result) -> None:
        if data.tests:
            source = os.path.realpath(str(data.source))
            self._say(event="file", file=source, tests=[test.name for test in data.tests])

    def start_test(self, data, result) -> None:
        data.timeout = f"{self._limit_s} seconds"
        self._say(event="start", test=data.name)

    def end_test(self, data, result) -> None:
        self._say(
            event="end",
            file=os.path.realpath(str(data.source)),
            test=data.name,
            status=result.status,
            message=result.message[:MESSAGE_MAX],
            tags=list(result.tags),
            seconds=round(result.elapsed_time.total_seconds(), 3),
        )

    def _say(self, **event) -> None:
        self._file.write(json.dumps(event) + "\n")
