"""create_meeting, save_link_to_kommo, notify_client, get_meeting, reschedule_meeting, cancel_meeting."""

from langchain.tools import ToolRuntime, tool

from clients.errors import ServiceError
from meetings.booking import BookingRefusedError
from meetings.cases import EffectLostError
from meetings.tables import Meeting
from tools.availability import free_times
from tools.context import TurnContext

_NOT_SURE = "The calendar has not confirmed it yet; it is being tried again and the system will tell the customer."


@tool(parse_docstring=True)
async def create_meeting(option: int, runtime: ToolRuntime[TurnContext]) -> str:
    """Book the meeting at an offered time.

    Only after the customer clearly chose one of the options that check_availability returned. Requires that all required
    qualification is recorded. Returns BOOKED (then call save_link_to_kommo and notify_client), SLOT_TAKEN with new
    options, NOT_QUALIFIED, NOT_OFFERED, ALREADY_BOOKED, CONFIRM_FIRST when the choice was spoken and must be repeated back, or
    CONFIRMING when nobody can tell yet: then claim nothing.

    Args:
        option: Number of the chosen option, e.g. 2.
    """
    context = runtime.context
    if question := await _repeat_back(context, option):
        return question
    try:
        outcome = await context.desk.book(context.customer_id, option, context.turn_id)
    except BookingRefusedError as error:
        return await _refused(context, error)
    except ServiceError:
        return "CALENDAR_TROUBLE: the calendar refused; nothing is booked. Say so and call hand_off_to_seller."
    if not outcome.is_on_calendar:
        return f"CONFIRMING: {_NOT_SURE} Say only that you are confirming."
    return f"BOOKED: {_describe(context, outcome.meeting)}. Now call save_link_to_kommo, then notify_client."


@tool(parse_docstring=True)
async def save_link_to_kommo(runtime: ToolRuntime[TurnContext]) -> str:
    """Save the calendar link and the meeting status on the customer's lead in Kommo.

    Call it right after BOOKED or MOVED. Calling it twice is harmless. Returns SAVED, NO_MEETING or LATER.
    """
    context = runtime.context
    try:
        outcome = await context.desk.save_to_crm(context.customer_id)
    except (ServiceError, EffectLostError):
        return "LATER: Kommo does not answer; it is saved by itself later. Go on; do not mention it to the customer."
    return "SAVED: link and status are on the lead." if outcome else "NO_MEETING: there is nothing to save."


@tool(parse_docstring=True)
async def notify_client(runtime: ToolRuntime[TurnContext]) -> str:
    """Send the customer the official confirmation (day, hour, seller), printed from the stored meeting.

    Call it after BOOKED or MOVED. Calling it twice is harmless. Returns SENT, NO_MEETING or LATER.
    """
    context = runtime.context
    try:
        outcome = await context.desk.notify(context.customer_id)
    except ServiceError:
        return "LATER: it could not be sent now and will be sent by itself. Do not repeat its content."
    if outcome is None:
        return "NO_MEETING: there is nothing to tell."
    return "SENT: the customer has the confirmation. Add one short sentence without day or hour."


@tool(parse_docstring=True)
async def get_meeting(runtime: ToolRuntime[TurnContext]) -> str:
    """Read the customer's meeting: status, time and seller.

    Call it whenever the customer asks about it. Returns MEETING or NO_MEETING.
    """
    context = runtime.context
    meeting = await context.desk.current(context.customer_id)
    return f"MEETING: {meeting.status} | {_describe(context, meeting)}" if meeting else "NO_MEETING: none was ever booked."


@tool(parse_docstring=True)
async def reschedule_meeting(option: int, runtime: ToolRuntime[TurnContext]) -> str:
    """Move the customer's meeting to an offered time.

    First call check_availability and let the customer choose. The system sends the text with the new time.
    Returns MOVED, SLOT_TAKEN with new options, NOT_OFFERED, NO_MEETING, CONFIRM_FIRST, MEETING_CHANGED with what it is now,
    MEETING_CHANGING, or CONFIRMING: then claim nothing.

    Args:
        option: Number of the chosen option, e.g. 1.
    """
    context = runtime.context
    if question := await _repeat_back(context, option):
        return question
    try:
        outcome = await context.desk.reschedule(context.customer_id, option)
    except BookingRefusedError as error:
        return await _refused(context, error)
    except ServiceError:
        return "CALENDAR_TROUBLE: the calendar can't be read; the meeting stays as it is. Say so or call hand_off_to_seller."
    if not outcome.is_on_calendar:
        return f"CONFIRMING: {_NOT_SURE} Say only that you are changing it."
    return f"MOVED: {_describe(context, outcome.meeting)}. The system tells the customer; add one short sentence."


@tool(parse_docstring=True)
async def cancel_meeting(reason: str, runtime: ToolRuntime[TurnContext]) -> str:
    """Cancel the customer's upcoming meeting.

    Only when the customer clearly wants that. The system sends the text. Returns CANCELLED, NO_MEETING, CONFIRMING, or
    MEETING_CHANGED with what it is now.

    Args:
        reason: The customer's reason in a few words, e.g. "vai viajar"; "não disse" when none was given.
    """
    context = runtime.context
    try:
        outcome = await context.desk.cancel(context.customer_id, reason)
    except BookingRefusedError as error:
        return await _refused(context, error)
    if not outcome.is_on_calendar:
        return f"CONFIRMING: {_NOT_SURE} Say only that you are cancelling it."
    return f"CANCELLED: {_describe(context, outcome.meeting)}. The system tells the customer; add one short sentence."


def _describe(context: TurnContext, meeting: Meeting) -> str:
    seller = context.business.seller(meeting.kommo_user_id)
    starts_at = meeting.starts_at.astimezone(context.zone).isoformat(timespec="minutes")
    return f"{starts_at} | {context.when(meeting.starts_at)} | {seller.name if seller else context.business.company.name}"


async def _repeat_back(context: TurnContext, option: int) -> str | None:
    """An hour that was heard, not read, is repeated before anything is booked."""
    if await context.booking.must_repeat_back(context.customer_id, option):
        return (
            f"CONFIRM_FIRST: the customer chose by voice. Repeat the text of option {option} to them and ask for a yes; "
            "call this tool again when they have answered. Nothing is booked yet."
        )
    return None


async def _refused(context: TurnContext, error: BookingRefusedError) -> str:
    if error.code == "SLOT_TAKEN":
        return f"{error}. Offer these instead; do not confirm yet.\n{await free_times(context)}"
    if error.code == "MEETING_CHANGED":
        meeting = await context.desk.current(context.customer_id)
        now = f" Now: {meeting.status} | {_describe(context, meeting)}." if meeting else ""
        return f"{error}.{now} Say so, claim nothing else, and ask what the customer wants to do."
    if error.code == "MEETING_CHANGING":
        return f"{error}. Say only that; the system tells the customer what comes of it. Ask them to write again a little later."
    return f"{error}."
