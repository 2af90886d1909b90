"""Recordings without the target's contents: what was judged is judged alike, and what memory held is
replaced.

Contents are pages, what was read where an MDL is mapped, hashes of pages, XMM registers, and general
registers that hold data. Structures, addresses, page frame numbers, statuses and arguments are what is
judged, and stay.

What must survive is what rules compare: bytes at one disk offset in different buffers, wherever these lie in
their pages; bytes of a transfer before and after; pages of one slot of a buffer at entry and at return, also
outside the buffer; mapped bytes against buffer bytes; and equal pages, which are one page. So every byte is
replaced by a keyed permutation of byte values that depends on where it belongs, and not on which page it is
in (:mod:`._permutation`), and where it belongs is what all that is compared has in common (:mod:`._links`,
:mod:`._groups`). Zeros stay zeros, so pages of zeros do, and what looks random goes on looking so.

Three things are not as one might expect. Where two places of a group turn out to be one (a page found twice
in it), only what is between them repeats: the group's positions count modulo their distance. A page that is
found at places of different groups makes one group of these, without a modulus as long as nothing
contradicts, but away from the disk's offsets. And bytes stay that a finding names by sight: the names with
which headers of dumps begin, and those by which a page is known to be the call's own stack or MDL, which
excuses a change.

At the end both recordings are judged and compared; one that would be judged in another way is not kept.
"""

from ._contents import Counts
from ._key import Key, keep_key, new_key
from ._scrub import Scrub, scrub

__all__ = ["Counts", "Key", "Scrub", "keep_key", "new_key", "scrub"]
