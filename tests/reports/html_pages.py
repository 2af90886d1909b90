"""An HTML page as a tree, for tests: parsed strictly, so that what browsers would mend is an error."""

from html.parser import HTMLParser
from typing import Dict, Iterator, List, Optional, Tuple

__all__ = ["Element", "parse"]

_VOID = ("meta", "br", "link", "img", "hr", "input")


class Element:
    """A tag with its attributes and what is in it."""

    def __init__(self, tag: str, attributes: Dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: List[Element] = []
        self.texts: List[str] = []

    def all(self, tag: str = "", **attributes: str) -> List["Element"]:
        """The elements below with this tag and these attributes (``class_`` for one of its classes)."""
        return [one for one in self._below() if (not tag or one.tag == tag) and one._has(attributes)]

    def one(self, tag: str = "", **attributes: str) -> "Element":
        """The only such element."""
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """All text in it, blanks joined."""
        return " ".join("".join(self.texts).split())

    def _has(self, attributes: Dict[str, str]) -> bool:
        for name, value in attributes.items():
            if name == "class_":
                if value not in self.attributes.get("class", "").split():
                    return False
            elif self.attributes.get(name) != value:
                return False
        return True

    def _below(self) -> Iterator["Element"]:
        for child in self.children:
            yield child
            yield from child._below()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), f"an attribute twice: {attrs}"
        element = Element(tag, attributes)
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> where <{self.open[-1].tag}> is open, line {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.texts.append(data)


def parse(page: str) -> Element:
    """The page's tree; every element must be closed where it should be."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.open == [parser.root], [one.tag for one in parser.open]
    return parser.root
