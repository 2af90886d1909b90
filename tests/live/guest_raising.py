"""Runs under Wine: traces with a port whose reads raise now and then, as bugs and users do.

``guest_raising.py CONNECTION FILTER OUTPUT`` prints one line of JSON with how it stopped and what was lost.
"""

import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

RESULT = "raising-result: "


def recurse() -> None:
    recurse()


def leave() -> None:
    sys.exit(3)


def run_out_of_memory() -> None:
    raise MemoryError


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


AT: Dict[int, Callable[[], None]] = {12: leave, 24: run_out_of_memory, 36: recurse, 48: press_ctrl_c}
"""By number of the read."""


def main(arguments: List[str]) -> int:
    connection, filter_name, output = arguments
    import pykd

    from pykd_dumpfilt.commands._watching import Watcher
    from pykd_dumpfilt.debugger import VirtualAddress
    from pykd_dumpfilt.debugger.pykd_debugger import PykdDebugger, status_message
    from pykd_dumpfilt.trace import Session

    class Raising(PykdDebugger):
        reads = 0

        def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
            self.reads += 1
            AT.get(self.reads, lambda: None)()
            return super().read_virtual(address, size)

    # As under !py.
    sys.setrecursionlimit(500)
    pykd.attachKernel(connection)
    pykd.dbgCommand(".reload")
    debugger = Raising()
    watcher = Watcher(filter_name, debugger.machine, Path(output), True, status_message)
    session = Session(debugger, filter_name, output, observer=watcher)
    stops: List[Any] = []
    while not stops or stops[-1][0] == "interrupted":
        stop = debugger.run()
        stops.append([stop.reason.value, session.running])
    status = session.stop("done")
    seen = {
        "stops": stops,
        "faults": list(status.faults),
        "lost": status.lost,
        "judging": watcher.judge.failure,
        "silence": watcher.silence,
    }
    print(RESULT + json.dumps(seen, sort_keys=True), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
