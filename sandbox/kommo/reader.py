"""Reads one item of a write: types checked, issues collected under the item's path."""

from typing import Any

from sandbox.kommo.problems import Issues

_NAMES = {int: "int", str: "string", bool: "bool", list: "array", dict: "object"}


class Reader:
    """A view of a JSON object that answers None for what is absent, null or of a wrong type (and notes the latter).

    Args:
        data: The item as sent.
        issues: Where faults are noted.
        path: Prefix of the fault's path, e.g. "_embedded.contacts.0.".
    """

    def __init__(self, data: dict[str, Any], issues: Issues, path: str = "") -> None:
        self.data, self.issues, self.path = data, issues, path

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def _get(self, key: str, wanted: type) -> Any:
        value = self.data.get(key)
        if value is None:
            return None
        # bool is an int in Python and not in JSON; PHP writes empty objects as [] and accepts them back.
        if wanted is dict and value == []:
            return {}
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            self.issues.wrong_type(self.path + key, _NAMES[wanted])
            return None
        return value

    def integer(self, key: str) -> int | None:
        value: int | None = self._get(key, int)
        return value

    def text(self, key: str) -> str | None:
        value: str | None = self._get(key, str)
        return value

    def flag(self, key: str) -> bool | None:
        value: bool | None = self._get(key, bool)
        return value

    def array(self, key: str) -> list[Any] | None:
        value: list[Any] | None = self._get(key, list)
        return value

    def child(self, key: str) -> "Reader":
        """The object under `key`; an empty one when there is none."""
        value: dict[str, Any] | None = self._get(key, dict)
        return Reader(value or {}, self.issues, f"{self.path}{key}.")

    def children(self, key: str) -> list["Reader"]:
        """The objects in the array under `key`; anything else in it is noted and left out."""
        found = []
        for index, item in enumerate(self.array(key) or []):
            where = f"{self.path}{key}.{index}"
            if isinstance(item, dict):
                found.append(Reader(item, self.issues, where + "."))
            else:
                self.issues.wrong_type(where, "object")
        return found

    def need(self, *keys: str) -> None:
        for key in keys:
            if self.data.get(key) is None:
                self.issues.missing(self.path + key)

    def bad_choice(self, key: str) -> None:
        self.issues.bad_choice(self.path + key)
