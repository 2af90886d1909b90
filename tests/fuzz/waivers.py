"""Files of waivers: read, and held against findings."""

import datetime
from pathlib import Path
from random import Random
from typing import List, Tuple

from pykd_dumpfilt.rules import Waivers, load_waivers
from pykd_dumpfilt.rules._toml import parse_toml

from ..reports.examples import HEADER
from ..rules.examples import Script, pattern
from ._bytes import mutate_bytes

__all__ = ["WaiverFiles"]

_TODAY = datetime.date(2026, 12, 1)
_NAME = "waivers.toml"
_SEEDS: Tuple[bytes, ...] = (
    b"""# two of them
[[waiver]]
rule = "DF-TRIP-001"
filter = "myfilt"
reason = "The last sector is not encrypted yet: ticket 4711"
owner = "Kim Lee"
expires = 2027-01-31
callback = "Dump_Read"
platform = "19041"

[[waiver]]
rule = 'DF-CALL-003'
filter = "other"
reason = \"\"\"
several
lines\"\"\"
owner = "K\\u00e9"
expires = 2020-02-29
""",
    b"\xef\xbb\xbf[[waiver]]\r\nrule='DF-WRITE-001'\r\nfilter='a'\r\nreason='r'\r\nowner='o'\r\nexpires=2027-01-01\r\n",
    b'waiver = [{rule = "DF-TRIP-001", filter = "a", reason = "r", owner = "o", expires = 2027-01-01}]\n',
    b"",
)
_TOKENS: Tuple[bytes, ...] = (
    *(
        b"[[waiver]]\n",
        b"[waiver]\n",
        b"[[waiver.x]]\n",
        b"[",
        b"]]",
        b"=",
        b'"',
        b"'",
        b'"""',
        b"\n",
        b"\r",
        b"#",
    ),
    *(
        b"expires = 9999-12-31\n",
        b"expires = 0001-01-01\n",
        b"expires = 2027-13-01\n",
        b"expires = 07:32:00\n",
    ),
    *(b"expires = 2027-01-01T00:00:00Z\n", b"expires = 1e400\n", b"expires = -0\n", b"x = {a.b.c = 1}\n"),
    *(
        b"rule = 'DF-TRIP-001'\n",
        b"callback = 'Dump_Write|Dump_Read'\n",
        b"platform = [1, [2]]\n",
        b"\\ud800",
    ),
    *(
        b"\\U0010ffff",
        b"a.b.c.d = 1\n",
        b"\x00",
        b"\xff\xfe",
        b"0x" + b"f" * 300,
        b"9" * 5000,
        b"inf",
        b"nan",
    ),
)


class WaiverFiles:
    """``check --waivers FILE``."""

    name = "waivers"
    what = "files of waivers: read, and held against findings"
    seconds = 10.0
    mebibytes = 300
    suffix = ".toml"

    def __init__(self) -> None:
        script = Script()
        script.write(0x1000, pattern(512))
        script.read(0x1000, pattern(512, 2))
        self._findings = script.judge().findings

    def prepare(self) -> None:
        # Imports the parser, which is another one before Python 3.11.
        parse_toml("")

    def make(self, random: Random) -> bytes:
        return self.mutated(random.choice(_SEEDS), random)

    def place(self, case: bytes, folder: Path) -> None:
        (folder / _NAME).write_bytes(case)

    def run(self, case: bytes, folder: Path, random: Random) -> str:
        waivers = load_waivers(folder / _NAME)
        applied = Waivers(waivers, HEADER, _TODAY)
        waived = [applied.mark(finding).waiver is not None for finding in self._findings]
        for waiver in waivers:
            waiver.expired(_TODAY)
        return f"{min(len(waivers), 3)} waivers, {'some' if any(waived) else 'nothing'} waived"

    def save(self, case: bytes, path: Path) -> None:
        path.write_bytes(case)

    def load(self, path: Path) -> bytes:
        return path.read_bytes()

    def seeds(self) -> List[bytes]:
        return list(_SEEDS)

    def from_bytes(self, data: bytes) -> bytes:
        return data

    def mutated(self, data: bytes, random: Random) -> bytes:
        text = bytearray(data)
        for _ in range(random.choice((0, 1, 1, 2, 4))):
            if random.random() < 0.4:
                at = random.randrange(len(text) + 1)
                text[at:at] = random.choice(_TOKENS) * random.choice((1, 1, 1, 1, 300))
            elif random.random() < 0.5:
                lines = text.splitlines(keepends=True) or [bytearray()]
                moved = lines.pop(random.randrange(len(lines)))
                at = random.randrange(len(lines) + 1)
                lines[at:at] = [moved] * random.choice((0, 1, 1, 2))
                text = bytearray(b"".join(lines))
            else:
                mutate_bytes(text, random, _SEEDS)
        return bytes(text)
