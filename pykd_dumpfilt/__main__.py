"""``python -m pykd_dumpfilt``, and inside WinDbg ``!py -g -m pykd_dumpfilt``."""

import sys

# What is missing for the first import of ours is told here: no doctor can run without it. pykd has wheels for
# older Pythons, too. !py shows what is printed, and not the message of a SystemExit.
if sys.version_info < (3, 8):  # noqa: UP036
    print(
        "dumpfilt: error: this is Python %d.%d, and 3.8 is needed: install 64-bit Python 3.8 or 3.9. Inside "  # noqa: UP031
        "WinDbg, !info lists what !py can use, and !select -3.8 chooses" % sys.version_info[:2]
    )
    sys.exit(2)

try:
    from .cli import main
except ImportError as error:
    if error.name != "construct":
        raise
    print("dumpfilt: error: construct is missing in this Python: pip install construct")
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
