"""One way through the lines of a recording, in order, noting on the way what is wrong."""

from typing import BinaryIO, Dict, Iterator, List, Optional, Tuple, Union

from ..errors import RecordingError
from . import codec
from ._callindex import CallIndex, Numbers, Stretch
from ._damage import DamageLog
from ._layout import CALLS_NAME, PAGE_SIZE, PAGES_NAME
from ._pagefile import PageFile
from .model import Call, Callbacks, Footer, Header, LoadedModule, Record, Unloaded
from .versions import Step

__all__ = ["Scan"]

_MAX_MODULES = 10_000
_MAX_TWICE = 1000
_CHUNK = 1024 * 1024


class Scan:
    """What the lines so far have told.

    Attributes:
        damage: what is missing or wrong.
        modules: by number.
        footer: None until it came.
        footer_at: where its line begins.
        index: the calls that were given.
        reached: where in the file the line after the last one that was read begins.
        line: the number of that last one, from 1.
    """

    def __init__(self, pages: PageFile, upgrade: Optional[Step]) -> None:
        self.damage = DamageLog()
        self.modules: Dict[int, LoadedModule] = {}
        self.footer: Optional[Footer] = None
        self.footer_at = 0
        self.index = CallIndex()
        self.reached = 0
        self.line = 1
        self._pages = pages
        self._upgrade = upgrade
        self._known = 0
        self._numbers = Numbers()
        self._twice: List[int] = []
        if pages.problem:
            self.damage.add(pages.problem)

    def records(self, file: BinaryIO, offset: int) -> Iterator[Record]:
        """The records of the lines from ``offset`` on, the header's end."""
        for number, at, raw in self._read(file, offset, 1):
            if self.footer is not None:
                self.damage.add(f"{CALLS_NAME} goes on after its footer; nothing of that is read")
                break
            self.reached, self.line = at + len(raw), number
            known = self._known
            item = self._take(number, raw)
            if isinstance(item, Footer):
                self.footer, self.footer_at = item, at
            elif item is not None:
                if isinstance(item, Call):
                    self.index.add(item.number, at, number, known)
                    if not self._numbers.add(item.number):
                        self._is_twice(item.number)
                yield item
        self._finish()

    def again(self, file: BinaryIO, stretch: Stretch) -> Iterator[Tuple[int, Call]]:
        """The calls of some lines that an earlier scan found there, each with the number of its line. This
        scan is then spent: it notes what is wrong with these lines once more."""
        self._known = stretch.known_pages
        left = stretch.calls
        for number, _, raw in self._read(file, stretch.offset, stretch.line - 1):
            item = self._take(number, raw)
            if isinstance(item, Call):
                yield number, item
                left -= 1
                if not left:
                    return

    def _read(self, file: BinaryIO, offset: int, number: int) -> Iterator[Tuple[int, int, bytes]]:
        """The lines after line ``number``: number, where it begins, its bytes."""
        while True:
            number += 1
            try:
                raw = file.readline(codec.MAX_LINE + 1)
                size = len(raw)
                too_long = size > codec.MAX_LINE
                while too_long and not raw.endswith(b"\n"):
                    raw = file.readline(_CHUNK)
                    size += len(raw)
                    if not raw:
                        break
            except OSError as error:
                self.damage.add(
                    f"{CALLS_NAME} cannot be read from line {number} on: {error.strerror or error}"
                )
                return
            if not size:
                return
            if too_long:
                self.damage.add(f"line {number} is skipped: longer than {codec.MAX_LINE} bytes")
            else:
                yield number, offset, raw
            offset += size

    def _take(self, number: int, raw: bytes) -> Union[Record, Footer, None]:
        try:
            line = codec.decode(raw, number, known_pages=self._known, upgrade=self._upgrade)
            if isinstance(line.item, Header):
                raise RecordingError(f"line {number}: a second header")
            if line.pages is not None:
                self._bring(number, line.pages)
        except RecordingError as error:
            if raw.endswith(b"\n"):
                self.damage.add(f"a line is skipped: {error}")
            else:
                self.damage.add(f"line {number} is cut off after {len(raw)} bytes; what it held is lost")
            return None
        if not raw.endswith(b"\n"):
            # Nothing that can be cut off a JSON object leaves a JSON object.
            self.damage.add(f"line {number} lacks its line end; its content is complete")
        if isinstance(line.item, Call) and self._lacks_page(number, line.item):
            return None
        if not isinstance(line.item, Footer):
            self._check_module(number, line.item)
        return line.item

    def _bring(self, number: int, pages: codec.NewPages) -> None:
        if not self._pages.bring(pages, self._known):
            raise RecordingError(
                f"line {number}, key pages.first: {pages.first}, but only {self._known} pages came before"
            )
        self._known = pages.end

    def _lacks_page(self, number: int, call: Call) -> bool:
        if not self._pages.lacking:
            return False
        for side in (call.entry, call.exit):
            for buffer in () if side is None else side.buffers + side.source + side.around:
                for page in buffer.pages:
                    if page is None:
                        continue
                    why = self._pages.why_missing(page)
                    if why is not None:
                        self.damage.add(f"call {call.number} (line {number}) is skipped: {why}")
                        return True
        return False

    def _check_module(self, number: int, item: Record) -> None:
        if isinstance(item, LoadedModule):
            if item.number in self.modules:
                self.damage.add(f"line {number}: module {item.number} is there twice")
            elif len(self.modules) < _MAX_MODULES:
                self.modules[item.number] = item
            else:
                self.damage.add(f"more than {_MAX_MODULES} modules")
        elif isinstance(item, (Call, Callbacks, Unloaded)) and item.module not in self.modules:
            self.damage.add(f"line {number} is about module {item.module}, which no line before it describes")

    def _finish(self) -> None:
        if self.footer is None:
            self.damage.add(
                "there is no footer: the recording was not closed in good order, and calls at its end may be "
                "missing"
            )
        elif self.footer.calls != self.index.calls:
            self.damage.add(f"the footer counts {self.footer.calls} calls, {self.index.calls} can be read")
        expected = self._known if self.footer is None else self.footer.pages
        self._pages.look_again()
        if self._pages.in_file < expected:
            self.damage.add(f"{PAGES_NAME} holds {self._pages.in_file} whole pages of {expected}")
        elif self.footer is not None and self._pages.size != expected * PAGE_SIZE:
            self.damage.add(f"{PAGES_NAME} is larger than the {expected} pages that the footer counts")
        for number in sorted(self._twice):
            self.damage.add(f"call {number} is there twice")
        if self._numbers.lost_track:
            self.damage.add("so many numbers of calls are missing that a call may be there twice untold")

    def _is_twice(self, number: int) -> None:
        # Told in the order of numbers, not of lines, as long as they are few enough to be kept.
        if len(self._twice) < _MAX_TWICE:
            self._twice.append(number)
        else:
            self.damage.add(f"call {number} is there twice")
