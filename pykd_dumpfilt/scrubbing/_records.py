"""Each record as it goes into the new recording."""

from dataclasses import replace
from typing import Dict, List, Optional, Tuple

from ..decoded import DecodedCall, DecodedSide
from ..recording import Buffer, Call, PageSource, Piece, Record, Side
from ..structures import Machine
from ._contents import Contents
from ._links import mapped_places
from ._values import Hashes, Registers

__all__ = ["Records"]


class Records:
    """Replaces what a record holds of the target's contents, and nothing else."""

    def __init__(
        self, machine: Machine, pages: PageSource, contents: Contents, registers: Registers, hashes: Hashes
    ) -> None:
        self._machine = machine
        self._pages = pages
        self._contents = contents
        self._registers = registers
        self._hashes = hashes

    def replaced(self, record: Record) -> Record:
        """The record to write.

        Raises:
            ScrubError: it names a page that was not there when the recording was read first.
        """
        if not isinstance(record, Call):
            return record
        call = DecodedCall(record, None, self._machine, self._pages)
        done = None if call.exit is None else self._side(call, call.exit)
        return replace(record, entry=self._side(call, call.entry), exit=done)

    def _side(self, call: DecodedCall, side: DecodedSide) -> Side:
        raw = side.raw
        known = (*call.raw.arguments, call.raw.return_address)
        return replace(
            raw,
            registers=self._registers.replace(raw.registers, known),
            buffers=self._buffers(raw.buffers),
            source=self._buffers(raw.source),
            around=self._buffers(raw.around),
            mapped=tuple([self._mapped(side, piece) for piece in raw.mapped]),
        )

    def _buffers(self, buffers: Tuple[Buffer, ...]) -> Tuple[Buffer, ...]:
        return tuple([self._buffer(buffer) for buffer in buffers])

    def _buffer(self, buffer: Buffer) -> Buffer:
        pages: List[Optional[int]] = []
        unreadable: Dict[int, str] = dict(buffer.unreadable)
        for index, number in enumerate(buffer.pages):
            found = None if number is None else self._contents.page(number)
            if isinstance(found, str):
                unreadable[index] = found
                found = None
            pages.append(found)
        hashes = tuple([self._hashes.replace(one) for one in buffer.hashes])
        return replace(buffer, pages=tuple(pages), unreadable=unreadable, hashes=hashes)

    def _mapped(self, side: DecodedSide, piece: Piece) -> Piece:
        data = b"".join(
            self._contents.piece(places, piece.address + first, piece.data[first:end])
            for first, end, places in mapped_places(side, piece)
        )
        return replace(piece, data=data)
