"""matplotlib figures as SVG that can stand inside an HTML page.

Colours are drawn as marks that stand for variables of the page's style sheet, so one picture is right on
light, on dark and on paper. Style attributes become presentation attributes: the page's content security
policy allows no inline style.
"""

import io
import re
import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING, Callable, Dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "picture"]

COLOURS = {
    name: f"#0{index}0{index}f{index}"
    for index, name in enumerate(
        ("ink", "muted", "line", "field", "paper", "written", "read", "unwritten", "bad"), 1
    )
}
"""A mark for each variable of the style sheet."""

_VARIABLES = {mark: f"var(--{name})" for name, mark in COLOURS.items()}
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pykd-dumpfilt",
    "text.parse_math": False,
    "font.size": 9.0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
_KEPT = frozenset(
    (
        "fill",
        "fill-opacity",
        "fill-rule",
        "opacity",
        "stroke",
        "stroke-dasharray",
        "stroke-dashoffset",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-miterlimit",
        "stroke-opacity",
        "stroke-width",
        "text-anchor",
    )
)
_FONT_SIZE = re.compile(r"\b(\d+(?:\.\d+)?px)\b")
_REFERENCE = re.compile(r"url\(#(.*)\)")


def picture(draw: "Callable[[], Figure]", name: str) -> str:
    """The SVG element that shows what ``draw`` makes; the same bytes every time.

    Args:
        draw: makes the figure; called with our settings in force, whatever the user's are.
        name: begins the ids in it, so that pictures on one page do not share any.
    """
    import matplotlib

    text = io.StringIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        draw().savefig(text, format="svg", metadata={"Date": None})
    return _for_html(text.getvalue(), name)


def _for_html(document: str, name: str) -> str:
    root = ElementTree.fromstring(document)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
    ids: Dict[str, str] = {}
    for element in root.iter():
        # An HTML parser knows the namespace of what is inside svg.
        element.tag = element.tag.rpartition("}")[2]
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        attributes.update(_presentation(attributes.pop("style", "")))
        if attributes.get("href", "").startswith("#"):
            attributes["href"] = "#" + _named(attributes["href"][1:], name, ids)
        clip = _REFERENCE.fullmatch(attributes.get("clip-path", ""))
        if clip is not None:
            attributes["clip-path"] = f"url(#{_named(clip[1], name, ids)})"
        element.attrib.clear()
        element.attrib.update(attributes)
        element.text = element.text and element.text.strip()
        element.tail = None
        if "d" in element.attrib:
            element.attrib["d"] = " ".join(element.attrib["d"].split())
    for element in root.iter():
        known = ids.get(element.attrib.pop("id", ""))
        if known is not None:
            element.attrib["id"] = known
    for unwanted in ("width", "height", "version"):
        root.attrib.pop(unwanted, None)
    root.attrib["aria-hidden"] = "true"
    return ElementTree.tostring(root, encoding="unicode")


def _named(identity: str, name: str, ids: Dict[str, str]) -> str:
    return ids.setdefault(identity, f"{name}-{len(ids)}")


def _presentation(style: str) -> Dict[str, str]:
    found = {}
    for declaration in style.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key in _KEPT:
            found[key] = _VARIABLES.get(value, value)
        elif key in ("font", "font-size"):
            size = _FONT_SIZE.search(value)
            if size is not None:
                found["font-size"] = size[1]
    return found
