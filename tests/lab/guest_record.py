"""Runs under Wine, in the lab's Windows Python: real pykd traces one filter into a recording.

``guest_record.py CONNECTION FILTER OUTPUT [OPTIONS]`` attaches, records until the target stops for good, and
says how it went in one line of JSON. The options are those of ``dumpfilt start``.
"""

import argparse
import json
import sys
from typing import List

__all__ = ["RESULT", "main"]

RESULT = "lab-result: "
"""What the line with the result begins with."""


def main(arguments: List[str]) -> int:
    """Attach, trace, report."""
    import pykd

    from pykd_dumpfilt.commands import start
    from pykd_dumpfilt.debugger.pykd_debugger import PykdDebugger
    from pykd_dumpfilt.errors import DumpfiltError
    from pykd_dumpfilt.trace import record

    connection, filter_name, output, *more = arguments
    parser = argparse.ArgumentParser()
    start.add_arguments(parser)
    options = parser.parse_args([filter_name, "-o", output, *more])
    pykd.attachKernel(connection)
    # Modules that were loaded before we came are not in DbgEng's list until it is told to look.
    pykd.dbgCommand(".reload")
    try:
        chosen = start.trace_options(options)
        summary = record(PykdDebugger(), filter_name, output, **chosen)
    except DumpfiltError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    result = {"stop": summary.stop.reason.value, "detail": summary.stop.detail, "lost": summary.status.lost}
    print(RESULT + json.dumps(result, sort_keys=True), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
