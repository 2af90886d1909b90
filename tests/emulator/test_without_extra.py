"""What a user sees who has not installed the extra."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("missing", ["unicorn", "pefile"])
def test_the_message_says_what_to_install(missing: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from pykd_dumpfilt.errors import EmulatorError\n"
        "try:\n    import pykd_dumpfilt.emulator\n"
        "except EmulatorError as error:\n    print(error)\n"
    )
    output = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert b'pip install "pykd-dumpfilt[emulator]"' in output.stdout
