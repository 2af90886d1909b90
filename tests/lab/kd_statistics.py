"""What went over the wire, counted at the target: these counts do not depend on the machine's speed."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Tuple

__all__ = ["Snapshot", "Statistics"]


@dataclass(frozen=True)
class Snapshot:
    """Counts since the server started.

    Attributes:
        packets: by kind. Requests are named as :class:`~tests.lab.kd_structures.Api` names them, what the
            target sends by itself is "state change" and "debug i/o"; replies are not counted again.
        payload: bytes of data that requests and their replies carried behind their headers, by API.
        received: bytes on the wire from the debugger, framing included.
        sent: bytes on the wire to the debugger, framing included.
        acknowledged, resent, resets: control packets, both directions.
        harmed: packets that a bad line harmed, by direction as seen from the target and by what happened to
            them: "sent dropped", "received corrupted", "sent repeated".
    """

    packets: Mapping[str, int] = field(default_factory=dict)
    payload: Mapping[str, int] = field(default_factory=dict)
    received: int = 0
    sent: int = 0
    acknowledged: int = 0
    resent: int = 0
    resets: int = 0
    harmed: Mapping[str, int] = field(default_factory=dict)

    def __sub__(self, earlier: "Snapshot") -> "Snapshot":
        return Snapshot(
            _difference(self.packets, earlier.packets),
            _difference(self.payload, earlier.payload),
            self.received - earlier.received,
            self.sent - earlier.sent,
            self.acknowledged - earlier.acknowledged,
            self.resent - earlier.resent,
            self.resets - earlier.resets,
            _difference(self.harmed, earlier.harmed),
        )

    @property
    def total(self) -> int:
        """All data packets but replies."""
        return sum(self.packets.values())


class Statistics:
    """Counts as they grow; read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._packets: Dict[str, int] = Counter()
        self._payload: Dict[str, int] = Counter()
        self._bytes: Dict[str, int] = Counter()
        self._harmed: Dict[str, int] = Counter()
        self._marks: List[Tuple[str, Snapshot]] = []

    def packet(self, kind: str, payload: int = 0) -> None:
        """Count one packet of a kind."""
        with self._lock:
            self._packets[kind] += 1
            self._payload[kind] += payload

    def data(self, kind: str, payload: int) -> None:
        """Count data that belongs to a packet that is counted already."""
        with self._lock:
            self._payload[kind] += payload

    def wire(self, kind: str, amount: int = 1) -> None:
        """Count "received" or "sent" bytes, or one "acknowledged", "resent" or "resets"."""
        with self._lock:
            self._bytes[kind] += amount

    def harm(self, what: str) -> None:
        """Count one packet that a bad line harmed."""
        with self._lock:
            self._harmed[what] += 1

    def snapshot(self) -> Snapshot:
        """The counts now."""
        with self._lock:
            return Snapshot(
                dict(self._packets), dict(self._payload), **self._bytes, harmed=dict(self._harmed)
            )

    def mark(self, label: str) -> Snapshot:
        """Remember the counts under a label, which may be used again."""
        now = self.snapshot()
        with self._lock:
            self._marks.append((label, now))
        return now

    @property
    def marks(self) -> List[Tuple[str, Snapshot]]:
        """What was marked, in order."""
        with self._lock:
            return list(self._marks)

    def since(self, label: str) -> Snapshot:
        """What was added since the last mark with that label; KeyError without one."""
        for name, snapshot in reversed(self.marks):
            if name == label:
                return self.snapshot() - snapshot
        raise KeyError(label)


def _difference(later: Mapping[str, int], earlier: Mapping[str, int]) -> Dict[str, int]:
    differences = {name: count - earlier.get(name, 0) for name, count in later.items()}
    return {name: count for name, count in differences.items() if count}
