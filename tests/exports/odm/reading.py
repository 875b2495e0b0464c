"""Reading an ODM file back, whichever version it is of: what another system would see."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from lxml import etree


class Change(NamedTuple):
    """A transaction on an item group: where, which, what kind, what it sets, and who made it."""

    subject: str
    event: str
    event_repeat: str | None
    form: str
    group: str
    key: str | None
    kind: str
    values: dict[str, str | None]
    audit: Any
    signatures: list[Any]

    @property
    def entity(self) -> tuple[str | None, ...]:
        """What it is a change of."""
        return self.subject, self.event, self.event_repeat, self.form, self.group, self.key


@dataclass(frozen=True)
class Document:
    """A file: its bytes and its elements, named without their namespace."""

    content: bytes
    root: Any

    @classmethod
    def of(cls, content: bytes) -> "Document":
        """A file as a parser reads it."""
        return cls(content, etree.fromstring(content))

    @property
    def version(self) -> str:
        """Which ODM it says it is."""
        return str(self.root.get("ODMVersion"))

    def all(self, name: str, under: Any = None) -> list[Any]:
        """Every element of that name."""
        where = self.root if under is None else under
        return list(where.iter(f"{{{self.root.nsmap[None]}}}{name}"))

    def children(self, element: Any, name: str) -> list[Any]:
        """The children of that name."""
        return list(element.findall(f"{{{self.root.nsmap[None]}}}{name}"))

    def text(self, element: Any, name: str) -> str | None:
        """The text of a child."""
        found = self.children(element, name)
        return found[0].text if found else None

    def changes(self) -> Iterator[Change]:
        """Every transaction on an item group, in the order of the file."""
        form_data = "FormData" if self.version == "1.3.2" else "ItemGroupData"
        form_oid = "FormOID" if self.version == "1.3.2" else "ItemGroupOID"
        for subject in self.all("SubjectData"):
            for event in self.children(subject, "StudyEventData"):
                for form in self.children(event, form_data):
                    for group in self.children(form, "ItemGroupData"):
                        yield Change(
                            subject.get("SubjectKey"),
                            event.get("StudyEventOID"),
                            event.get("StudyEventRepeatKey"),
                            form.get(form_oid),
                            group.get("ItemGroupOID"),
                            group.get("ItemGroupRepeatKey"),
                            group.get("TransactionType"),
                            {
                                item.get("ItemOID"): self._value(item)
                                for item in self.children(group, "ItemData")
                            },
                            self.children(group, "AuditRecord")[0],
                            self.children(group, "Signature"),
                        )

    def _value(self, item: Any) -> str | None:
        if item.get("IsNull") == "Yes":
            return None
        if self.version == "1.3.2":
            return str(item.get("Value"))
        return self.text(item, "Value") or ""

    def state(self) -> dict[tuple[str | None, ...], dict[str, str]]:
        """What is left when every transaction was applied in its order."""
        held: dict[tuple[str | None, ...], dict[str, str]] = {}
        for change in self.changes():
            if change.kind == "Remove":
                del held[change.entity]
                continue
            assert (change.entity in held) == (change.kind == "Update")
            now = held.setdefault(change.entity, {})
            for name, value in change.values.items():
                if value is None:
                    del now[name]
                else:
                    now[name] = value
        return held
