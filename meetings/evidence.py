"""Whether a customer's own words hold the value that a model takes from them.

The model gives value and quote. The quote must stand in a message of the customer, and is read with what stands around it there:
nobody cuts "sou o dono" out of "não sou o dono". Three things prove a value: words that say it; words that say nothing against
it when the value rules the customer out and our question was about it; a bare yes to a question of ours that names it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from meetings.amounts import mentions, only_exact
from meetings.business import Criterion, CriterionType
from meetings.evidence_speech import MONEY_TALK, ROLE, UNREAL, counts_as_amount, counts_as_mine, counts_as_number, statements
from meetings.evidence_words import (
    ASSENTS,
    BARE,
    BREAK,
    COMMON,
    COMPLEMENT,
    DENIALS,
    FILLERS,
    FIRST_PERSON,
    IS_MINE,
    MINE,
    NOT_BEFORE,
    OTHERS,
    OWNERS,
    RENT,
    SAYS_NO,
    SOMEBODY_ELSES,
    YES_FIRST,
)
from meetings.qualification import NO_WORDS, Judged, fold
from meetings.tables import Author, Message


@dataclass(frozen=True)
class Evidence:
    """Words of a customer in their place.

    Attributes:
        message: Where they stand.
        clause: The words with what stands around them up to the next mark, folded.
        said: The whole message, folded.
        asked: What we wrote last before it, folded; "" for nothing.
    """

    message: Message
    clause: str
    said: str
    asked: str = ""

    @property
    def is_bare(self) -> bool:
        """Whether the message is nothing but a yes or a no."""
        return BARE.fullmatch(self.said) is not None


def find_evidence(quote: str, messages: Sequence[Message]) -> Iterator[Evidence]:
    """The customer's messages that contain the quoted words as whole words, newest first; nothing when they never said so.

    A bare yes or no is given many times, to many questions: then those are gone through. Of other words the newest place counts
    alone, for what was said later holds.

    Args:
        messages: The conversation, oldest first.
    """
    words = fold(quote).strip(" .!?,;\"'")
    if not words:
        return
    quoted = r"\s+".join(re.escape(word) for word in words.split(" "))
    said = re.compile(rf"(?<!\w){quoted}(?!\w)")  # "80" does not stand in "1800"
    for n in range(len(messages) - 1, -1, -1):
        if messages[n].author != Author.CUSTOMER:
            continue
        text = "\n".join(fold(line) for line in messages[n].text.splitlines())
        if found := said.search(text):
            evidence = Evidence(messages[n], _around(text, found), " ".join(text.split()), _asked_before(messages[:n]))
            yield evidence
            if not evidence.is_bare:
                return


def proves(criterion: Criterion, judged: Judged, evidence: Evidence) -> bool:
    """Whether the words hold the value: a model must not hang a value on words that say something else."""
    match criterion.type:
        case CriterionType.NUMBER | CriterionType.MONEY:
            return _holds_number(criterion, judged, evidence)
        case CriterionType.CHOICE:
            return _names_choice(criterion, judged, evidence)
        case CriterionType.YES_NO:
            return _says_so(criterion, judged, evidence)
        case CriterionType.TEXT:
            value = fold(judged.value)
            return value in evidence.said or bool(_stems([value]) & _stems([evidence.said]))


def _holds_number(criterion: Criterion, judged: Judged, evidence: Evidence) -> bool:
    wanted = only_exact(fold(judged.value))
    if evidence.is_bare:
        return _is_yes(evidence.said) and _only_number_asked(criterion, evidence.asked) == wanted
    return wanted in _own_numbers(criterion, evidence)


def _only_number_asked(criterion: Criterion, asked: str) -> Decimal | None:
    """The one number that we asked to have confirmed."""
    numbers = _exact_numbers(criterion, asked) if "?" in asked else set()
    return numbers.pop() if len(numbers) == 1 else None


def _exact_numbers(criterion: Criterion, text: str) -> set[Decimal | None]:
    in_reais = criterion.type is CriterionType.MONEY
    return {m.value for m in mentions(text) if m.is_exact and not (in_reais and m.is_other_unit)}


def _own_numbers(criterion: Criterion, evidence: Evidence) -> set[Decimal | None]:
    """The numbers that the customer states of themselves. An amount must be one of money: said so, or asked so."""
    is_money = criterion.type is CriterionType.MONEY
    if is_money and not (MONEY_TALK.search(evidence.said) or _is_about_money(criterion, evidence.asked)):
        return set()
    question = " ".join(fold(text) for text in criterion.question.values())
    is_alone = sum(one.value is not None and one.value > 12 for one in mentions(evidence.said)) == 1  # besides "two months"
    found: set[Decimal | None] = set()
    for part in statements(evidence.clause, evidence.said):
        for one in mentions(part):
            if not one.is_exact or (is_money and one.is_other_unit):
                continue
            if is_money:
                counts = counts_as_amount(part, one.start, one.end, said=evidence.said, is_alone=is_alone, question=question)
            else:
                counts = counts_as_number(part, one.start, one.end, said=evidence.said)
            if counts:
                found.add(one.value)
    return found


def _is_about_money(criterion: Criterion, asked: str) -> bool:
    return bool(MONEY_TALK.search(asked) or _stems(criterion.question.values()) & _stems([asked]))


def _names_choice(criterion: Criterion, judged: Judged, evidence: Evidence) -> bool:
    if judged.value in _options_stated(criterion, evidence):
        return not _leaves_open(criterion, evidence.clause)
    if evidence.is_bare:
        return _is_yes(evidence.said) and "?" in evidence.asked and _options_named(criterion, evidence.asked) == {judged.value}
    return not _options_named(criterion, evidence.clause, even_denied=True) and _rules_out_as_asked(criterion, judged, evidence)


def _options_named(criterion: Criterion, text: str, *, even_denied: bool = False) -> set[str]:
    """The options that a text names and does not deny."""
    found = set()
    for option in criterion.options:
        for match in re.finditer(_name_of(criterion, option), text):
            if even_denied or not NOT_BEFORE.search(text[: match.start()]):
                found.add(option)
    return found


def _options_stated(criterion: Criterion, evidence: Evidence) -> set[str]:
    """The options that the customer says are theirs, here and now."""
    any_name = f"(?:{'|'.join(_name_of(criterion, option) for option in criterion.options)})"
    found = set()
    for part in statements(evidence.clause, evidence.said):
        for option in criterion.options:
            for match in re.finditer(_name_of(criterion, option), part):
                if counts_as_mine(part, match.start(), match.end(), names=any_name, at_home=match[0] == "casa"):
                    found.add(option)
    return found


def _leaves_open(criterion: Criterion, text: str) -> bool:
    """Whether two options are named with an "or" between them."""
    any_name = "|".join(_name_of(criterion, option) for option in criterion.options)
    return re.search(rf"(?:{any_name})\W+(?:ou|o|u|or)\W+(?:(?:uma?|una?|an?)\W+)?(?:{any_name})", text) is not None


def _name_of(criterion: Criterion, option: str) -> str:
    """A pattern for the option: its stem is enough ("casas", "comercial"), or one of its aliases."""
    name = fold(option)
    stem = rf"{re.escape(name[:5])}\w*" if len(name) > 5 else rf"{re.escape(name)}(?:s|es|inha|inho|zinha|zinho|ona|rao)?"
    words = "|".join([stem, *(re.escape(fold(alias)) for alias in criterion.aliases.get(option, ()))])
    return rf"(?<!\w)(?:{words})(?!\w)"


def _says_so(criterion: Criterion, judged: Judged, evidence: Evidence) -> bool:
    wanted = judged.value == "sim"
    if evidence.is_bare:
        return _is_yes(evidence.said) == wanted and _is_about(criterion, evidence.asked)
    said, is_torn = _polarity(criterion, evidence)
    if said is not None:
        return said == wanted and not (wanted and SOMEBODY_ELSES.search(evidence.said))
    return not is_torn and _rules_out_as_asked(criterion, judged, evidence)


def _polarity(criterion: Criterion, evidence: Evidence) -> tuple[bool | None, bool]:
    """Whether the words say yes or no (None: neither), and whether they say both."""
    clause = evidence.clause
    words = _words(clause) - {"no"}
    denies = bool(words & DENIALS or SAYS_NO.search(clause))
    is_no = re.search(rf"\b{RENT}\b", clause) is not None or any(_has(a, clause) for a in criterion.aliases.get("no", ()))
    if denies and is_no:
        return None, True  # "não é alugado": whose it is stays open
    if denies or is_no:
        return False, False
    rest, others = SOMEBODY_ELSES.subn(" ", clause)
    if others:
        is_mine_too = bool(_words(rest) & (ASSENTS | MINE))
        return (None, True) if is_mine_too else (False, False)
    is_asked = _is_about(criterion, evidence.asked)
    says_yes = any(_affirms(criterion, part, is_asked=is_asked) for part in statements(clause, evidence.said))
    return (True, False) if says_yes else (None, False)


def _affirms(criterion: Criterion, part: str, *, is_asked: bool) -> bool:
    """Whether a statement says yes to the criterion; words for wishes, times gone by and other people's roles say nothing."""
    if UNREAL.search(part) or ROLE.search(part):
        return False
    if any(_has(alias, part) for alias in criterion.aliases.get("yes", ())):
        return True
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*", COMPLEMENT.sub(" ", part))
    asked_for = _stems(criterion.question.values())
    names = {word for word in words if word in OWNERS or (len(word) > 3 and word[:4] in asked_for)}
    has_more = bool({word for word in words if not word.isdigit()} - FILLERS - ASSENTS - MINE - names)
    if words and words[0] in YES_FIRST and ((is_asked and words[0] != "isso") or not has_more):  # "isso é caro" is no yes
        return True
    if set(words) & FIRST_PERSON and (names or not has_more):
        return True
    if re.search(rf"\b{OTHERS}\b", part):
        return False
    return bool(names and not has_more) or IS_MINE.search(part) is not None


def _rules_out_as_asked(criterion: Criterion, judged: Judged, evidence: Evidence) -> bool:
    """Words in nobody's list, such as "a gente divide com o vizinho": taken for an answer that books nothing, and only if it
    answers our question. A wrong one is put right by the next answer; a wrong "yes" would send a seller out for nothing.
    """
    is_statement = len(evidence.clause.split()) > 1 and f"{evidence.clause}?" not in evidence.said
    return not judged.qualifies and is_statement and _is_about(criterion, evidence.asked)


def _is_about(criterion: Criterion, asked: str) -> bool:
    """Whether what we asked was about the criterion: it shares a word with its question, an option or an alias."""
    if "?" not in asked:
        return False
    told = [*criterion.question.values(), *criterion.options, *(a for known in criterion.aliases.values() for a in known)]
    return bool(_stems(told) & _stems([asked]))


def _stems(texts: Iterable[str]) -> set[str]:
    words = {word for text in texts for word in re.findall(r"[^\W\d_]{3,}", fold(text))}
    return {word[:4] for word in words - COMMON if len(word) > 3 or word == "own"}


def _has(alias: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(fold(alias))}(?!\w)", text) is not None


def _is_yes(said: str) -> bool:
    return not _words(said) & NO_WORDS


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+(?:'[^\W_]+)*", text))


def _around(text: str, found: re.Match[str]) -> str:
    breaks = [match.end() for match in BREAK.finditer(text)]
    start = max((at for at in breaks if at <= found.start()), default=0)
    end = min((match.start() for match in BREAK.finditer(text) if match.start() >= found.end()), default=len(text))
    return " ".join(text[start:end].split())


def _asked_before(messages: Sequence[Message]) -> str:
    """Our messages between the customer's last two turns."""
    ours: list[str] = []
    for message in reversed(messages):
        if message.author != Author.CUSTOMER:
            ours.append(fold(message.text))
        elif ours:
            break
    return " ".join(reversed(ours))
