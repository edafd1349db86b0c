"""Tags in writes: the whole set under `_embedded.tags`, or differences in `tags_to_add` and `tags_to_delete`."""

from sandbox.kommo.core import Core
from sandbox.kommo.reader import Reader
from sandbox.kommo.state import Tag


def read_tags(core: Core, kind: str, item: Reader, current: list[Tag]) -> list[Tag] | None:
    """The tags an item leaves behind, or None when it says nothing about them.

    Tags are named by `id` or `name`; an unknown name makes a new tag, an unknown id is refused.
    """
    embedded = item.child("_embedded")
    if not ({"tags_to_add", "tags_to_delete"} & set(item.data)) and "tags" not in embedded:
        return None
    kept = _named(core, kind, embedded, "tags") if "tags" in embedded else list(current)
    gone = {tag.id for tag in _named(core, kind, item, "tags_to_delete")}
    kept = [tag for tag in kept if tag.id not in gone]
    held = {tag.id for tag in kept}
    return kept + [tag for tag in _named(core, kind, item, "tags_to_add") if tag.id not in held]


def _named(core: Core, kind: str, item: Reader, key: str) -> list[Tag]:
    found: dict[int, Tag] = {}
    for entry in item.children(key):
        tag_id, name = entry.integer("id"), entry.text("name")
        if tag_id is not None:
            tag = next((t for t in core.state.tags.get(kind, {}).values() if t.id == tag_id), None)
            if tag is None:
                entry.bad_choice("id")
                continue
        elif name:
            tag = core.tag(kind, name)
        else:
            entry.need("name")
            continue
        found[tag.id] = tag
    return list(found.values())
