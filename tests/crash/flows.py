"""The flows whose every border is killed at: how the world is before, what somebody then does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.crash.rig import Rig

NOW = datetime.fromisoformat("2026-03-09T09:00:00-03:00")


@dataclass(frozen=True)
class Flow:
    """One flow.

    Attributes:
        before: Leads from an empty world to that in which the act takes place; the service runs and is quiet afterwards.
        act: What somebody does, or the time that comes.
        begins_with: The webhook that brings the act to us, None when time does.
    """

    name: str
    before: Callable[[Rig], None]
    act: Callable[[Rig], None]
    begins_with: tuple[str, int] | None = ("after", 1)


def nothing(rig: Rig) -> None:
    """Nobody has written yet."""


def offered(rig: Rig) -> None:
    """A customer who answered everything has been offered times."""
    says(rig, "Oi! Minha conta é 800 reais")
    says(rig, "é uma casa")
    says(rig, "sim, sou o dono")


def booked(rig: Rig) -> None:
    """Their meeting is booked and all is quiet."""
    offered(rig)
    says(rig, "a 3")


def took_place(rig: Rig) -> None:
    """The booked meeting is just over."""
    booked(rig)
    rig.set_time(starts_at(rig) + timedelta(minutes=65))
    rig.settle()


def says(rig: Rig, text: str) -> None:
    rig.people.customer_says(text)
    rig.settle()


def starts_at(rig: Rig) -> datetime:
    return rig.people.event().starts_at


def reminder_is_due(rig: Rig) -> None:
    rig.set_time(starts_at(rig) - timedelta(minutes=60))


def moves_task(rig: Rig) -> None:
    rig.people.seller_moves_task(starts_at(rig) + timedelta(hours=2))


def customer(text: str) -> Callable[[Rig], None]:
    def act(rig: Rig) -> None:
        rig.people.customer_says(text)

    return act


FLOWS = [
    Flow("first message", nothing, customer("Oi! Minha conta é 800 reais")),
    Flow("booking", offered, customer("a 3")),
    Flow("seller cancels", booked, lambda rig: rig.people.seller_deletes_task()),
    Flow("seller completes", took_place, lambda rig: rig.people.seller_completes_task()),
    Flow("seller moves", booked, moves_task),
    Flow("customer cancels", booked, customer("Quero cancelar a visita")),
    Flow("reminder", booked, reminder_is_due, begins_with=None),
]
