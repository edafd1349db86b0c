"""record_qualification and hand_off_to_seller."""

from langchain.tools import ToolRuntime, tool

from clients.errors import ServiceError
from meetings.business import Criterion, in_language
from meetings.qualification import Standing, UnclearAnswerError
from tools.context import TurnContext


def missing_line(criterion: Criterion, locale: str) -> str:
    """A criterion still to ask, in the form that facts and tool results share."""
    parts = ["missing: " + criterion.name, criterion.type.value, in_language(criterion.question, locale)]
    if criterion.options:
        parts.append(", ".join(criterion.options))
    return " | ".join(parts)


@tool(parse_docstring=True)
async def record_qualification(criterion: str, value: str, quote: str, runtime: ToolRuntime[TurnContext]) -> str:
    """Record the customer's answer to one qualification criterion.

    Call it whenever the customer answers a criterion, once per criterion, also when the answer rules them out.
    Returns RECORDED with what is still missing, QUALIFIED when a time may be offered, NOT_QUALIFIED when the conversation
    should end kindly without a meeting, or UNCLEAR with what to ask again.

    Args:
        criterion: Name of the criterion as listed in the policy, e.g. "bill".
        value: The answer in plain form, e.g. "800", "sim", "casa". One exact number for numbers and money.
        quote: The customer's own words that say so, copied exactly from their message, e.g. "uns R$ 800 por mês".
    """
    context = runtime.context
    try:
        recorded = await context.qualifier.record(context.customer_id, criterion, value, quote)
    except UnclearAnswerError as error:
        return f"UNCLEAR: {error}. Nothing was recorded."
    said = f"{recorded.criterion} = {recorded.judged.value}"
    if recorded.now.standing is Standing.FAILED:
        return f"NOT_QUALIFIED: {said} rules the customer out. End kindly; do not book."
    missing = [missing_line(c, context.locale) for c in recorded.now.missing]
    if recorded.now.standing is Standing.OK:
        return "\n".join([f"QUALIFIED: {said}. Now call check_availability and offer times.", *missing])
    return "\n".join([f"RECORDED: {said}. Ask the next one.", *missing])


@tool(parse_docstring=True)
async def hand_off_to_seller(reason: str, runtime: ToolRuntime[TurnContext], keep_talking: bool = False) -> str:
    """Give the conversation, or one matter of it, to a person of the company.

    Call it when the customer asks for a person, is upset, wants something else than this sale, or tools failed twice.
    Afterwards tell the customer that a seller will continue here. You will not answer this customer for some hours, unless
    keep_talking is true: then the seller only has a task, and you go on. Returns HANDED_OFF or TASK_MADE.

    Args:
        reason: Why, in a few words for the seller, e.g. "quer negociar o preço".
        keep_talking: True only when the policy says so: a seller sees to one matter while you go on with the rest.
    """
    context = runtime.context
    try:
        if keep_talking:
            await context.hand_off.ask(context.customer_id, reason)
            return "TASK_MADE: a seller has a task about this and will write to the customer. Go on with the conversation."
        await context.hand_off.hand_off(context.customer_id, reason)
    except ServiceError:
        return "FAILED: the seller's task could not be made now. Say that you could not reach the team yet; claim nothing."
    return "HANDED_OFF: a seller has a task to write to this customer. Say so in one sentence."
