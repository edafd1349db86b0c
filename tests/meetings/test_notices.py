"""What a customer is told: the difference between what they were told last and what is agreed now, in their language."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from meeting_scene import ANA, BRUNO, PHONE, at, shipped

from meetings.lifecycle import snapshot
from meetings.notices import notice_of, told_of
from meetings.tables import Change, Customer, Meeting, MeetingPhase, MeetingStatus
from prompts.catalogue import LOCALES

SCHEDULED, COMPLETED = MeetingStatus.SCHEDULED, MeetingStatus.COMPLETED
NO_SHOW, CANCELLED = MeetingStatus.NO_SHOW, MeetingStatus.CANCELLED
TUESDAY, WEDNESDAY, THURSDAY = "2026-03-10 14:00", "2026-03-11 10:00", "2026-03-12 16:00"
SPANISH, AMERICAN = "+34612345678", "+12015550123"


def meeting(starts: str = TUESDAY, status: MeetingStatus = SCHEDULED, **values: Any) -> Meeting:
    """A meeting booked in a conversation, of which the customer was told nothing yet, unless told otherwise."""
    fields: dict[str, Any] = {
        "id": 12,
        "customer_id": 1,
        "kommo_user_id": ANA,
        "calendar_id": "ana@solclaro.example",
        "event_id": "a1b2c3",
        "phase": MeetingPhase.BOOKED,
        "starts_at": at(starts),
        "ends_at": at(starts) + timedelta(hours=1),
        "revision": 1,
        "booked_in_turn": "turn:1:1:0",
        "told": None,
    }
    return Meeting(status=status, **{**fields, **values})


def told(starts: str = TUESDAY, status: MeetingStatus = SCHEDULED, **values: Any) -> dict[str, Any]:
    """What the customer was told when the meeting was like that."""
    return snapshot(meeting(starts, status, **values))


def change(now: str = "2026-03-09 12:00", **values: Any) -> Change:
    fields = {"meeting_id": 12, "revision": 2, "what": "moved", "by": "seller", "source": "task", "hint": "task_moved"}
    return Change(**{**fields, "before": {}, "after": {}, "at": at(now), **values})


def customer(**values: Any) -> Customer:
    return Customer(**{"id": 1, "phone": PHONE, "jid": "x@s.whatsapp.net", "name": "Maria Souza", **values})


def notice(row: Meeting, line: Change | None = None, who: Customer | None = None, default: str = "pt-BR") -> str | None:
    line = line or change()
    own = change(revision=1, what="booked", by="customer", source="conversation", after=line.before) if line.before else None
    return notice_of(row, who or customer(), line, shipped(), default, own=own)


# --- booked -----------------------------------------------------------------------------------------------------------


def test_a_booking_is_confirmed_with_day_hour_zone_and_seller() -> None:
    assert notice(meeting(), change(revision=1, what="booked", by="customer", source="conversation")) == (
        "✅ Marcado, Maria!\n"
        "📅 visita técnica: terça-feira, 10 de março de 2026, às 14:00 (Horário de Brasília)\n"
        "👤 Com Ana Ribeiro, da Sol Claro Energia\n"
        "Se precisar mudar ou cancelar, é só responder aqui."
    )


def test_what_a_seller_booked_by_hand_is_told_as_theirs() -> None:
    text = notice(meeting(booked_in_turn=None), change(revision=1, what="booked", by="seller", hint="task_by_hand"))
    assert text is not None
    assert text.startswith(
        "Maria, Ana Ribeiro, da Sol Claro Energia, marcou com você:\n📅 visita técnica: terça-feira, 10 de março"
    )


def test_a_confirmation_that_never_went_out_tells_the_newest_time_as_if_it_were_the_first() -> None:
    before = snapshot(meeting())
    text = notice(meeting(WEDNESDAY, kommo_user_id=BRUNO), change(before=before))
    assert text is not None
    assert text.startswith("✅ Marcado, Maria!")
    assert "quarta-feira, 11 de março de 2026, às 10:00" in text
    assert "Bruno Teixeira" in text


def test_a_confirmation_that_never_went_out_is_still_owed_when_the_time_went_there_and_back() -> None:
    text = notice(meeting(), change(before=snapshot(meeting())))
    assert text is not None
    assert text.startswith("✅ Marcado")


# --- moved, handed over -----------------------------------------------------------------------------------------------


def test_a_move_names_the_time_that_was_told_and_the_new_one() -> None:
    assert notice(meeting(WEDNESDAY, told=told(TUESDAY))) == (
        "🔁 Maria, sua visita técnica mudou de horário.\n"
        "❌ Antes: terça-feira, 10 de março de 2026, às 14:00\n"
        "📅 Agora é quarta-feira, 11 de março de 2026, às 10:00 (Horário de Brasília)\n"
        "👤 Com Ana Ribeiro, da Sol Claro Energia"
    )


def test_two_moves_before_the_customer_heard_of_one_are_told_as_one_from_the_oldest_to_the_newest() -> None:
    text = notice(meeting(THURSDAY, told=told(TUESDAY)), change(revision=3, before=told(WEDNESDAY)))
    assert text is not None
    assert "Antes: terça-feira, 10 de março" in text
    assert "Agora é quinta-feira, 12 de março" in text
    assert "quarta-feira" not in text


def test_what_went_there_and_back_before_the_customer_heard_of_it_is_not_told() -> None:
    assert notice(meeting(TUESDAY, told=told(TUESDAY)), change(revision=3, before=told(WEDNESDAY))) is None
    handed_back = change(revision=3, what="handed_over", before=told(TUESDAY, kommo_user_id=BRUNO))
    assert notice(meeting(TUESDAY, told=told(TUESDAY)), handed_back) is None


def test_another_length_alone_is_no_news_to_the_customer() -> None:
    assert notice(meeting(told=told(), ends_at=at(TUESDAY) + timedelta(minutes=90))) is None


def test_another_seller_is_told_with_the_time_that_stays() -> None:
    assert notice(meeting(told=told(), kommo_user_id=BRUNO), change(what="handed_over")) == (
        "Maria, sua visita técnica de terça-feira, 10 de março de 2026, às 14:00 (Horário de Brasília), "
        "agora será com Bruno Teixeira, da Sol Claro Energia.\nO horário continua o mesmo."
    )


def test_another_seller_at_another_time_is_one_notice_that_names_both() -> None:
    text = notice(meeting(WEDNESDAY, told=told(TUESDAY), kommo_user_id=BRUNO))
    assert text is not None
    assert text.startswith("🔁")
    assert "Com Bruno Teixeira" in text


def test_who_is_no_seller_any_more_is_not_named() -> None:
    text = notice(meeting(WEDNESDAY, told=told(TUESDAY), kommo_user_id=10009))
    assert text is not None
    assert "Com Sol Claro Energia" in text


# --- cancelled --------------------------------------------------------------------------------------------------------


def test_a_seller_s_cancellation_names_the_meeting_and_offers_another_time() -> None:
    text = notice(meeting(status=CANCELLED, told=told()), change(what="cancelled"))
    assert text == (
        "Maria, a visita técnica de terça-feira, 10 de março de 2026, às 14:00 (Horário de Brasília), com Ana Ribeiro, "
        'foi cancelada pela Sol Claro Energia.\nSe quiser outro horário, responda "remarcar" que eu já procuro para você.'
    )


def test_a_customer_s_own_cancellation_is_confirmed_as_theirs() -> None:
    text = notice(meeting(status=CANCELLED, told=told()), change(what="cancelled", by="customer", source="conversation"))
    assert text is not None
    assert text.startswith("Maria, cancelei a visita técnica de terça-feira")


def test_a_cancellation_after_a_move_that_was_never_told_names_the_time_and_seller_the_customer_knows() -> None:
    row = meeting(WEDNESDAY, CANCELLED, told=told(TUESDAY), kommo_user_id=BRUNO)
    text = notice(row, change(revision=3, what="cancelled", before=told(WEDNESDAY, kommo_user_id=BRUNO)))
    assert text is not None
    assert "terça-feira, 10 de março de 2026, às 14:00" in text
    assert "Ana Ribeiro" in text
    assert "quarta-feira" not in text
    assert "Bruno" not in text


def test_a_cancellation_of_what_was_booked_in_the_conversation_is_told_though_no_confirmation_went_out() -> None:
    row = meeting(status=CANCELLED)
    text = notice(row, change(what="cancelled", before=snapshot(meeting())))
    assert text is not None
    assert "foi cancelada" in text


def test_what_was_booked_by_hand_and_cancelled_before_it_was_told_is_not_told() -> None:
    assert notice(meeting(status=CANCELLED, booked_in_turn=None), change(what="cancelled", before=snapshot(meeting()))) is None


@pytest.mark.parametrize(
    ("now", "is_told"), [("2026-03-10 14:59", True), ("2026-03-10 15:00", False), ("2026-03-20 09:00", False)]
)
@pytest.mark.parametrize("by", ["seller", "customer"])
def test_nothing_is_called_off_that_is_over(now: str, is_told: bool, by: str) -> None:
    assert (notice(meeting(status=CANCELLED, told=told()), change(now, what="cancelled", by=by)) is not None) is is_told


# --- held, missed, corrected ------------------------------------------------------------------------------------------


def test_who_came_is_thanked_and_who_did_not_is_invited_again() -> None:
    thanks = notice(meeting(status=COMPLETED, told=told()), change(what="completed"))
    invitation = notice(meeting(status=NO_SHOW, told=told()), change(what="no_show"))
    assert thanks == (
        "Maria, obrigado pela visita técnica com Ana Ribeiro!\nQualquer dúvida, é só escrever aqui. Sol Claro Energia"
    )
    assert invitation == (
        "Maria, sentimos sua falta na visita técnica com Ana Ribeiro.\n"
        'Acontece! Se quiser outro horário, responda "remarcar". Sol Claro Energia'
    )


@pytest.mark.parametrize(("was", "now_is"), [(COMPLETED, NO_SHOW), (NO_SHOW, COMPLETED)])
def test_a_correction_between_the_two_is_not_told(was: MeetingStatus, now_is: MeetingStatus) -> None:
    assert notice(meeting(status=now_is, told=told(status=was)), change(what=now_is.value)) is None


def test_a_mark_corrected_before_it_was_told_is_told_as_it_stands() -> None:
    text = notice(meeting(status=COMPLETED, told=told()), change(revision=3, what="completed", before=told(status=NO_SHOW)))
    assert text is not None
    assert "obrigado" in text


@pytest.mark.parametrize("status", MeetingStatus)
def test_what_was_told_already_is_not_told_again(status: MeetingStatus) -> None:
    assert notice(meeting(status=status, told=told(status=status))) is None


# --- who wants no messages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [COMPLETED, NO_SHOW])
def test_who_opted_out_is_neither_thanked_nor_invited(status: MeetingStatus) -> None:
    quiet = customer(opted_out_at=at("2026-03-09 09:00"))
    assert notice(meeting(status=status, told=told()), change(what=status.value), quiet) is None


def test_who_opted_out_is_told_of_changes_of_the_meeting_all_the_same() -> None:
    quiet = customer(opted_out_at=at("2026-03-09 09:00"))
    rows = [
        meeting(),
        meeting(WEDNESDAY, told=told()),
        meeting(told=told(), kommo_user_id=BRUNO),
        meeting(status=CANCELLED, told=told()),
    ]
    assert all(notice(row, None, quiet) for row in rows)


# --- in which language ------------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[Meeting, Change]] = {
    "confirmation": (meeting(), change(by="customer")),
    "confirmation_by_seller": (meeting(booked_in_turn=None), change(by="seller")),
    "moved": (meeting(WEDNESDAY, told=told(TUESDAY)), change()),
    "seller_changed": (meeting(told=told(), kommo_user_id=BRUNO), change()),
    "cancelled_by_us": (meeting(status=CANCELLED, told=told()), change()),
    "cancelled_by_customer": (meeting(status=CANCELLED, told=told()), change(by="customer")),
    "completed": (meeting(status=COMPLETED, told=told()), change()),
    "no_show": (meeting(status=NO_SHOW, told=told()), change()),
}
SUBJECTS = {"pt-BR": "visita técnica", "es": "visita técnica", "en": "site visit"}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["Maria Souza", "", None])
def test_every_notice_reads_well_in_every_language_with_and_without_a_name(kind: str, locale: str, name: str | None) -> None:
    row, line = KINDS[kind]
    text = notice(row, line, customer(locale=locale, name=name))
    assert text is not None
    assert not re.search(r"[{}]|\bNone\b|  |[,.;:!?] *[,;:]| [,.;:!?](?:\s|$)", text)
    assert ("Maria" in text) is bool(name)
    assert "Souza" not in text
    assert SUBJECTS[locale] in text
    letter = re.search(r"[^\W\d_]", text)
    assert letter is not None
    assert letter[0].isupper()


@pytest.mark.parametrize("kind", KINDS)
def test_every_language_says_it_in_its_own_words(kind: str) -> None:
    row, line = KINDS[kind]
    assert len({notice(row, line, customer(locale=locale)) for locale in LOCALES}) == len(LOCALES)


@pytest.mark.parametrize(
    ("known", "phone", "default", "words"),
    [
        ("en", PHONE, "pt-BR", "Booked, Maria"),  # the language the customer writes
        ("pt-BR", SPANISH, "en", "Marcado, Maria"),
        (None, PHONE, "en", "Marcado, Maria"),  # the phone's country
        (None, SPANISH, "pt-BR", "¡Agendado, Maria"),
        (None, AMERICAN, "pt-BR", "Booked, Maria"),
        (None, None, "es", "¡Agendado, Maria"),  # nothing is known
        (None, "+4930123456", "es", "¡Agendado, Maria"),  # a country whose language we do not speak
    ],
)
def test_the_customer_s_own_language_comes_before_the_phone_s_and_the_default(
    known: str | None, phone: str | None, default: str, words: str
) -> None:
    text = notice(meeting(), change(by="customer"), customer(locale=known, phone=phone), default)
    assert text is not None
    assert words in text


# --- what the customer knows ------------------------------------------------------------------------------------------


def test_what_was_told_counts_more_than_what_was_agreed_in_the_conversation() -> None:
    own = change(revision=1, what="booked", by="customer", source="conversation", after=told(WEDNESDAY))
    assert told_of(meeting(THURSDAY, told=told(TUESDAY)), own) == told(TUESDAY)
    assert told_of(meeting(THURSDAY), own) == told(WEDNESDAY)
    assert told_of(meeting(THURSDAY, booked_in_turn=None), own) is None
    assert told_of(meeting(), None) is None


def test_two_changes_after_a_booking_whose_confirmation_never_went_out_are_told_from_the_time_the_customer_chose() -> None:
    own = change(revision=1, what="booked", by="customer", source="conversation", after=told(WEDNESDAY))
    line = change(revision=3, what="cancelled", before=told(THURSDAY), after=told(THURSDAY, CANCELLED))
    text = notice_of(meeting(THURSDAY, CANCELLED, revision=3), customer(), line, shipped(), "pt-BR", own=own)
    assert text is not None
    assert "quarta-feira, 11 de março" in text


def test_times_are_told_in_the_zone_of_the_business() -> None:
    utc = datetime.fromisoformat("2026-03-11T01:30:00+00:00")  # half past ten in the evening before, in São Paulo
    text = notice(meeting(starts_at=utc, ends_at=utc + timedelta(hours=1)), change(by="customer"))
    assert text is not None
    assert "terça-feira, 10 de março de 2026, às 22:30" in text
