"""Runs under Wine: traces one filter and judges its calls as they come.

``guest_judge.py CONNECTION FILTER OUTPUT AROUND`` leaves the recording and prints one line of JSON: the
findings and the verdict, found in the debugger's own process.
"""

import json
import sys
from typing import Any, Dict, List

RESULT = "live-result: "


def main(arguments: List[str]) -> int:
    connection, filter_name, output, around = arguments
    import pykd

    from pykd_dumpfilt.debugger.pykd_debugger import PykdDebugger
    from pykd_dumpfilt.live import LiveJudge
    from pykd_dumpfilt.trace import Limits, record
    from tests.live.judging import outcome

    pykd.attachKernel(connection)
    debugger = PykdDebugger()
    judge = LiveJudge(debugger.machine)
    limits = Limits(around=int(around))
    summary = record(debugger, filter_name, output, limits=limits, observer=judge.feed)
    result: Dict[str, Any] = outcome(judge)
    result["faults"] = list(summary.status.faults)
    print(RESULT + json.dumps(result, sort_keys=True), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
