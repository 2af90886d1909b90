"""Acme's own rules, which are judged beside those of pykd-dumpfilt."""

from pykd_dumpfilt import Rule


class HeaderStaysInPlain(Rule):
    id = "ACME-001"
    statement = "What begins as an image's header is written to the disk in plain."
    source = "Acme design 4.2"
    callbacks = ("Dump_Write",)

    def check(self, call):
        if call.entry.buffer.startswith((b"HIBR", b"PAGEDU64")):
            self.checked()
            if call.exit.buffer != call.entry.buffer:
                self.find(call, f"the header at {call.disk_byte_offset:#x} was changed")
