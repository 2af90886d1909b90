"""Names and sizes of what lies in a recording's folder."""

__all__ = ["CALLS_NAME", "DIGEST_SIZE", "PACKED_SUFFIX", "PAGES_NAME", "PAGE_SIZE", "SUFFIX"]

SUFFIX = ".dumpfilt"
"""What a recording's folder is named."""

PACKED_SUFFIX = ".dumpfilt.zip"
"""What the zip of such a folder is named."""

CALLS_NAME = "calls.jsonl"
PAGES_NAME = "pages.bin"

PAGE_SIZE = 4096
"""Bytes of a page, on every machine we trace."""

DIGEST_SIZE = 16
"""Bytes of a page's BLAKE2b digest."""
