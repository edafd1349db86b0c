"""check_availability."""

from datetime import date
from typing import Literal

from langchain.tools import ToolRuntime, tool

from clients.errors import ServiceError
from meetings.booking import BookingRefusedError
from meetings.slots import Period
from tools.context import TurnContext


@tool(parse_docstring=True)
async def check_availability(
    runtime: ToolRuntime[TurnContext],
    day: str | None = None,
    period: Literal["morning", "afternoon", "evening"] | None = None,
) -> str:
    """Look up free times and offer them to the customer under numbers.

    Only times returned here can be booked. Tell the customer the numbers and the texts exactly as returned.
    Returns FREE with one line per option ("number | time | text for the customer"), or NONE_FREE.

    Args:
        day: Only this day, as YYYY-MM-DD, e.g. "2026-03-10". Leave out for the next free days.
        period: Only this part of the day: morning, afternoon or evening.
    """
    try:
        wanted = date.fromisoformat(day) if day else None
    except ValueError:
        return f"INVALID: day is {day[:30] if day else day!r}; write it as YYYY-MM-DD."
    return await free_times(runtime.context, wanted, Period(period) if period else None)


async def free_times(context: TurnContext, day: date | None = None, period: Period | None = None) -> str:
    """Offers times and says which, also after a time turned out to be taken."""
    try:
        offered = await context.booking.offer(context.customer_id, context.turn_id, day=day, period=period)
    except BookingRefusedError as error:
        return f"{error}. Say that you can't see the calendar now and call hand_off_to_seller."
    except ServiceError:
        return "CALENDAR_UNREADABLE: the calendar does not answer now. Offer nothing; say so, or call hand_off_to_seller."
    if not offered:
        return "NONE_FREE: nothing is free then. Ask for another day or part of the day, or look without them."
    lines = [context.option(o.number, o.starts_at) for o in offered]
    return "\n".join(["FREE: offer these with their numbers; nothing is booked yet.", *lines])
