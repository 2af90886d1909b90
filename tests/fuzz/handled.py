"""What is done with recordings of others before they are judged: looked at, compared, packed, scrubbed."""

import shutil
import tempfile
from pathlib import Path
from random import Random

from pykd_dumpfilt.decoded import open_recording
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.handling import compare, migrate, pack, sum_up
from pykd_dumpfilt.reports import comparison_json, render_comparison, render_summaries, summaries_json
from pykd_dumpfilt.scrubbing import new_key, scrub

from .recording_seeds import write_seeds
from .recordings import Folder, Recordings

__all__ = ["Handled"]

_NAME = "run.dumpfilt"


class Handled(Recordings):
    """``info``, ``diff``, ``pack``, ``migrate``, ``scrub``, and the calls as Python sees them."""

    name = "handled"
    what = "recordings: summed up, compared, packed, migrated, scrubbed, decoded call by call"

    def prepare(self) -> None:
        if self._seeds:
            return
        super().prepare()
        with tempfile.TemporaryDirectory() as folder:
            self._good = sum_up(next(iter(write_seeds(Path(folder)))))

    def run(self, case: Folder, folder: Path, random: Random) -> str:
        path = folder / _NAME
        summary = sum_up(path)
        assert render_summaries([summary])
        assert summaries_json([summary])
        comparison = compare(self._good, summary)
        assert render_comparison(comparison)
        assert comparison_json(comparison)
        _decode(path)
        pack(path, folder / "packed.dumpfilt.zip")
        migrate(path, folder / "migrated.dumpfilt")
        scrub(path, folder / "scrubbed.dumpfilt", new_key())
        shutil.rmtree(str(folder / "scrubbed.dumpfilt"))
        return f"verdict {summary.checked.verdict.value}"


def _decode(path: Path) -> None:
    with open_recording(path) as recording:
        for call in recording:
            for name in ("mdl", "filter_extension", "filter_initialization_data", "disk_byte_offset"):
                try:
                    getattr(call, name)
                except RecordingError:
                    pass
            for side in (call.entry, call.exit):
                try:
                    assert side is None or len(side.buffer) >= 0
                except RecordingError:
                    pass
