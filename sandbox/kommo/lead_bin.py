"""Leads that go: deleted, restored or merged. People do that in Kommo's pages; the API cannot."""

from sandbox.kommo import bodies, tasks
from sandbox.kommo.core import Core
from sandbox.kommo.state import Lead, Note, Task

FATES = ("silent", "announce", "keep")


def delete(core: Core, actor: int, lead: Lead, fate: str) -> None:
    """Put a lead in the bin.

    Args:
        core: The account.
        actor: Who does it.
        lead: The lead.
        fate: What becomes of its tasks, which no document says: gone unannounced (silent), gone and announced
            (announce), or left alone (keep).
    """
    lead.is_deleted = True
    lead.updated_by, lead.updated_at = actor, core.now()
    core.journal("lead_deleted", "leads", lead.id, actor)
    core.announce("delete_lead", "leads", "delete", bodies.lead_gone(lead))
    if fate == "keep":
        return
    for task in [t for t in core.state.tasks.values() if (t.entity_type, t.entity_id) == ("leads", lead.id)]:
        tasks.delete(core, actor, task, announced=fate == "announce")


def restore(core: Core, actor: int, lead: Lead) -> None:
    """Take a lead out of the bin; its deleted tasks stay deleted."""
    lead.is_deleted = False
    lead.updated_by, lead.updated_at = actor, core.now()
    core.journal("lead_restored", "leads", lead.id, actor)
    core.announce("restore_lead", "leads", "restore", bodies.lead_item(core.state, lead, "restore"))


def merge(core: Core, actor: int, gone: Lead, kept: Lead) -> None:
    """Merge `gone` into `kept`: tasks, notes, contacts, tags and otherwise empty fields move over."""
    owned_things: list[Task | Note] = [*core.state.tasks.values(), *core.state.notes.values()]
    for owned in owned_things:
        if (owned.entity_type, owned.entity_id) == ("leads", gone.id):
            owned.entity_id = kept.id
    kept.contact_ids += [c for c in gone.contact_ids if c not in kept.contact_ids]
    kept.main_contact_id = kept.main_contact_id or gone.main_contact_id
    held = {tag.id for tag in kept.tags}
    kept.tags += [tag for tag in gone.tags if tag.id not in held]
    for field_id, found in gone.values.items():
        kept.values.setdefault(field_id, found)
    kept.updated_by, kept.updated_at = actor, core.now()
    core.journal("entity_merged", "leads", kept.id, actor)
    delete(core, actor, gone, "keep")
    core.announce("update_lead", "leads", "update", bodies.lead_item(core.state, kept, "update"))
