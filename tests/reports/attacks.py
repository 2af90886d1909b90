"""Text that tries to be more than text, and a report that is full of it.

A report on hostile names must be what a report on harmless names is, but for the names: the same elements and
attributes, the same links. So each test holds a report on one of ``ATTACKS`` against one on ``HARMLESS``.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Dict

from pykd_dumpfilt.checking import CheckResult, Report, Unreadable, WaiverUse, check
from pykd_dumpfilt.recording import Buffer, Fault, LoadedModule, Pdb, Piece
from pykd_dumpfilt.rules import Finding, Level, Outcome

from .examples import HEADER, failing, waiver, write

__all__ = ["ATTACKS", "HARMLESS", "WHOLE", "attacked", "file_name", "option", "recorded"]

# In no attack and in nothing of ours, and no name of a driver either.
HARMLESS = "qzqz'qzqz"

_NOWHERE = "http://127.0.0.1:9"

ATTACKS: Dict[str, str] = {
    "script": f"<script>document.title='owned';alert(1)</script><SCRIPT/SRC={_NOWHERE}/a.js></SCRIPT>",
    "attribute": "\" onmouseover=\"alert(1)\" autofocus onfocus='alert(1)' x='",
    "unquoted attribute": "x onpointerrawupdate=alert(1) style=color:red ",
    "end of raw text": "</style></title></textarea></noscript></template><img src=x onerror=alert(1)>",
    "comment": "--><!--><img src=x onerror=alert(1)>--!><![CDATA[<img src=x onerror=alert(1)>]]>",
    "svg": "]]></text></svg><svg/onload=alert(1)><animate onbegin=alert(1)><use href=data:,x>",
    "frame": f"<iframe srcdoc='<script>alert(1)</script>'></iframe><object data={_NOWHERE}/o>",
    "redirect": f"<meta http-equiv=refresh content='0;url={_NOWHERE}/r'><base href={_NOWHERE}/>",
    "form": f"<form action={_NOWHERE}/f><input autofocus onfocus=alert(1)><button formaction=javascript:f()>",
    "url": "javascript:alert(1)//",
    "data url": "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "style": f"}}</style><style>@import url({_NOWHERE}/s.css);*{{background:url({_NOWHERE}/b)}}",
    "css": f"red;background:url({_NOWHERE}/c);-x:expression(alert(1))}}/*",
    "template": "{{7*7}}{% include 'report.css' %}{# no #}${7*7}#{7*7}<%= 7*7 %>%s%(x)s{0}",
    "mathematics": "$x^2$ \\frac{1}{2} $\\sqrt{2}$",
    "entity": "&lt;script&gt;&amp;&#0;&#x3c;&nbsp;&NotEqualTilde;&y;",
    "direction": "\u202egpj.exe\u2066\u2067\u200f\u061c\u200b\ufeff\u2028\u2029\u00ad",
    "terminal": f"\x1b[2J\x1b]0;x\x07\x1b]8;;{_NOWHERE}\x1b\\x\x9b31m\x1bP\x90\r\n\t\v\f\x00\x08\x7f\x85!",
    "xml": "]]></failure></testcase><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><?xml-stylesheet?>&y;",
    "no characters": "\ud800x\udfff\ufffe\uffff\U0010ffff\ue000",
    "markdown links": f"[x](javascript:alert(1)) ![x]({_NOWHERE}/i) [y][y] [y]: {_NOWHERE}/ <{_NOWHERE}/>",
    "markdown addresses": f"{_NOWHERE}/ www.example.com a@example.com mailto:a@example.com <a@example.com>",
    "markdown": "***b*** __b__ ~~s~~ `c` ``` | a \\| b | #1 @me :x: [^1] [ ] H~2~O <b>b</b> \\",
    "markdown blocks": "# h\n- item\n1. one\n> quote\n```\ncode\n```\n---\n| a |\n|---|\n<div>\n\n    code",
    "sarif links": "[a](1) \\[b](javascript:alert(1)) [c\\](2) [d\\\\](http://a.example) ](3) {0} {{1}} } {",
    "formula": "=cmd|' /C calc'!A0",
    "shell": "a; reboot & $(reboot) `reboot` | reboot > x \"; .shell reboot; '",
    "debugger": '<exec cmd=".shell calc">x</exec><link cmd=".shell calc">y</link>',
}


_PARTS = 11

WHOLE = {
    "url": ATTACKS["url"],
    "data url": ATTACKS["data url"],
    **{f"part {part}": " ".join(list(ATTACKS.values())[part::_PARTS]) for part in range(_PARTS)},
}
"""The same in fewer texts, where a report takes long."""


def attacked(text: str) -> Report:
    """A report in whose every text ``text`` stands, on a recording made in the current folder."""
    attacks = "".join(ATTACKS.values()).encode("utf-8", "replace")
    script = failing()
    pdb = Pdb(text, "0" * 32, 1)
    script.records[0] = LoadedModule(0, "hiber_" + text, 0xFFFFF80031000000, 0x7000, pdb=pdb)
    # The same bytes in every report, so that not even the number of bytes that differ is another.
    script.write(0x9000, attacks.ljust(8192, b"\0"))
    script.read(0x9000, (attacks[::-1]).ljust(8192, b"\0"))
    script.read(0x1000, b"x" * 512, exit=None, status=None, unreturned=text)
    missing = Piece(0xFFFFF80031000000, b"", 8, text)
    unread = Buffer("physical", 0, 4096, (None,), {0: text}, text)
    done = script.plain("Dump_Finish")
    script.records[-1] = replace(done, entry=replace(done.entry, filter_extension=missing, buffers=(unread,)))
    script.records.append(Fault(text, text, 3))
    header = replace(
        HEADER,
        filter=text,
        tool=text,
        debugger={"engine": text, "version": text, "target": text},
        options={"every": option(text)},
    )
    checked = check(write(Path("run"), script, header), seal=True)
    accepted = replace(
        waiver(), rule=text, filter=text, reason=text, owner=text, platform=text, callback=text
    )
    results = (checked, _retold(checked, text), replace(_retold(checked, text), path=path_of(text)))
    uses = tuple(WaiverUse(accepted, state, 1) for state in ("used", "expired", "unused"))
    return Report(results, uses, (Unreadable(path_of(text), text),))


def _retold(checked: CheckResult, text: str) -> CheckResult:
    """The same, where all that rules and the reader say is the text too."""
    evidence = {text: text, "list": [{"name": text}], "before": text, "pfn": text, "disk_offset": text}
    one = Finding("DF-TRIP-001", Level.ERROR, 1, text, text, evidence)
    findings = (one, replace(one, waiver=replace(waiver(), owner=text, reason=text)))
    rules = tuple(
        replace(rule, statement=text, reasons=(text,), notes=(text,), by_callback={text: 1})
        if rule.rule != "DF-TRIP-001"
        else replace(rule, outcome=Outcome.FAIL, findings=findings, found=3, waived=1, reasons=(text,))
        for rule in checked.result.rules
    )
    result = replace(checked.result, rules=rules, findings=findings, reasons=(text,), hits={text: 2})
    return replace(checked, result=result, damage=(text,))


def path_of(text: str) -> str:
    """A recording in a folder of that name."""
    return f"a/{file_name(text)}/{file_name(text)}.dumpfilt"


def file_name(text: str) -> str:
    """As a file could be named: the system gives what is no UTF-8 in this way only, and never NUL."""
    halves = {ord(one): 0xDC80 + ord(one) % 0x80 for one in text if "\ud800" <= one <= "\udfff"}
    return re.sub("/+", "/", text.translate({**halves, 0: 1})).rstrip("/")


def option(text: str) -> str:
    """As an option's value: short, as longer ones are cut."""
    return text[:40]


def recorded(text: str) -> str:
    """As a recording holds it: it has no half of a surrogate pair."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)
