"""Whatever a name is, the report in every format is that on a harmless name with another name in it."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest

from pykd_dumpfilt.checking import Report
from pykd_dumpfilt.reports import FORMATS, format_named
from pykd_dumpfilt.reports._printable import printable

from .attacks import ATTACKS, HARMLESS, WHOLE, attacked, file_name, option, recorded
from .html_pages import Element, parse
from .test_markdown import GITHUB

# Each costs a second, for its pictures.
SLOW = ("html",)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> "Made":
    """The report on an attack, by name, in a format."""
    reports: Dict[str, Tuple[Path, Report]] = {}

    @lru_cache(maxsize=None)
    def make(name: str, form: str) -> str:
        if name not in reports:
            folder = tmp_path_factory.mktemp("attack")
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                reports[name] = folder, attacked(text_of(name))
        folder, report = reports[name]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            return format_named(form).render(report)

    return make


def text_of(name: str) -> str:
    return {**ATTACKS, **WHOLE, "": HARMLESS}[name]


Made = Callable[[str, str], str]
attack = pytest.mark.parametrize("name", ATTACKS)


def same(harmless: str, hostile: str, name: str) -> bool:
    """Whether a text is the harmless one with the attack in its place, as people are to see it: what does not
    print as an escape, in what is JSON as JSON. Blanks and digests do not count."""
    text = text_of(name)
    kept = recorded(text)
    as_json = (json.dumps(one)[1:-1] for one in (text, kept, option(kept)))
    forms = {_joined(printable(one)) for one in (text, kept, file_name(text), *as_json)}
    wanted = "|".join(re.escape(one) for one in sorted(forms, key=len, reverse=True))
    pattern = re.escape(_joined(harmless)).replace(re.escape(HARMLESS), f"(?:{wanted})")
    return re.fullmatch(pattern, _joined(hostile)) is not None


def _joined(text: str) -> str:
    # Nor do commands: how a path is quoted there depends on the path.
    return re.sub(r"[0-9a-f]{64}|dumpfiltshow.*?--call\d+", "", "".join(text.split()))


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, one.name) for one in FORMATS for name in (WHOLE if one.name in SLOW else ATTACKS)],
)
def test_nothing_that_does_not_print_or_turns_text_around(name: str, form: str, made: Made) -> None:
    assert all(line.isprintable() for line in made(name, form).split("\n"))


@pytest.mark.parametrize("name", WHOLE)
def test_html_has_the_same_tree(name: str, made: Made) -> None:
    harmless, hostile = parse(made("", "html")), parse(made(name, "html"))
    assert shape(harmless) == shape(hostile)
    for one, two in zip(harmless.all(), hostile.all()):
        if not one.children or one.tag == "body":
            assert same("".join(one.texts), "".join(two.texts), name), one.tag
        for key, value in two.attributes.items():
            if key in ("href", "id", "class", "aria-labelledby", "content", "src", "style"):
                # Nothing that a browser follows, loads, or takes for a name depends on a recording.
                assert value == one.attributes[key] or key == "class"
            assert same(one.attributes[key], value, name) or key == "class"


def shape(element: Element) -> List[Any]:
    return [[one.tag, sorted(one.attributes), *shape(one)] for one in element.children]


@attack
def test_junit_has_the_same_tree(name: str, made: Made) -> None:
    harmless, hostile = (ElementTree.fromstring(made(key, "junit").encode("utf-8")) for key in ("", name))
    pairs = list(zip(harmless.iter(), hostile.iter()))
    assert len(pairs) == len(list(harmless.iter())) == len(list(hostile.iter()))
    for one, two in pairs:
        assert (one.tag, sorted(one.attrib)) == (two.tag, sorted(two.attrib))
        assert same(one.text or "", two.text or "", name)
        for key, value in two.attrib.items():
            # A dot would be a package to Jenkins, and a slash is one more folder.
            if key != "classname":
                assert same(one.attrib[key], value, name), key
    assert "<!" not in made(name, "junit")
    assert made(name, "junit").count("<?") == 1


@attack
def test_sarif_has_the_same_values(name: str, made: Made) -> None:
    harmless, hostile = json.loads(made("", "sarif")), json.loads(made(name, "sarif"))
    one, two = dict(strings(harmless)), dict(strings(hostile))
    assert len(one) == len(two)
    for (place, before), (other, after) in zip(one.items(), two.items()):
        if "properties.evidence" in place or "partialFingerprints" in place:
            continue  # data, as JSON; and a digest
        assert place == other
        if place.endswith("text"):
            assert same(message(before), message(after), name), place
        elif place.endswith("justification"):
            assert same(before, after, name), place
        elif place.endswith(("uri", "Uri", "$schema")):
            check_uri(after)


def strings(value: Any, place: str = "") -> Iterator[Tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from strings(inner, f"{place}.{number}")
    elif isinstance(value, str):
        yield place, value


def message(text: str) -> str:
    """A message as a viewer shows it: placeholders filled in, links made; there may be neither."""
    assert not re.search(r"\]\(", text), f"a link to some viewer: {text}"
    assert not re.search(r"(?<!\{)(?:\{\{)*\{(?!\{)", text.replace("}}", "")), f"a placeholder: {text}"
    return text.replace("{{", "{").replace("}}", "}").replace("\\x5d(", "](")


def check_uri(uri: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._~%:/?#@!$&'*+,;=-]*", uri), uri
    parts = urlsplit(uri)
    assert parts.scheme in ("", "https", "file")
    if not parts.scheme:
        # Below the folder from which it was asked for.
        assert (parts.netloc, parts.query, parts.fragment) == ("", "", "")
        assert not uri.startswith("/")
        assert unquote(uri).endswith("/calls.jsonl")


@attack
def test_markdown_has_the_same_blocks(name: str, made: Made) -> None:
    harmless, hostile = (tokens(made(key, "markdown")) for key in ("", name))
    assert [kind for kind, _ in harmless] == [kind for kind, _ in hostile]
    for (kind, before), (_, after) in zip(harmless, hostile):
        assert same(before, after, name), kind


def tokens(text: str) -> List[Tuple[str, str]]:
    """What a reader makes of it: kinds of tokens with their tags and targets, and the text that they show."""
    found: List[Tuple[str, str]] = []
    for block in GITHUB.parse(text):
        if block.type == "inline":
            shown = ""
            for one in block.children or ():
                if one.type in ("text", "text_special", "code_inline"):
                    shown += one.content
                if one.type not in ("text", "text_special"):
                    found.append((f"{one.type} {one.attrs}", ""))
            found.append(("inline", shown))
        else:
            found.append((f"{block.type} {block.tag}", ""))
    return found


@attack
def test_json_is_data_that_every_reader_takes(name: str, made: Made) -> None:
    for form in ("json", "sarif"):
        text = made(name, form)
        assert text.isascii()
        # Half of a surrogate pair is no text, and strict readers refuse the whole file for it.
        assert not re.search(r"(?<!\\)(?:\\\\)*\\ud[89ab]..(?!\\ud[c-f]..)", text)
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


@attack
def test_text_is_the_same(name: str, made: Made) -> None:
    harmless, hostile = (
        [line for line in made(key, "text").split("\n") if "dumpfilt show " not in line] for key in ("", name)
    )
    assert same("\n".join(harmless), "\n".join(hostile), name)


def test_reports_are_made_of_attacks_at_all(made: Made) -> None:
    for form in FORMATS:
        assert made("", form.name).count("qzqz") > 20
