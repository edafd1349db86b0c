"""The business file: every mistake is named with its key, all of them at once."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from meeting_scene import ANA, SHIPPED

from meetings.business import Business, BusinessFileError, Hours, in_language, load_business
from meetings.rules import QuietHours

TEXT = SHIPPED.read_text(encoding="utf-8")


def changed(*changes: tuple[str, str]) -> str:
    """The shipped file with passages replaced; each must stand there."""
    text = TEXT
    for old, new in changes:
        assert old in text, f"{old!r} is not in the shipped file"
        text = text.replace(old, new, 1)
    return text


def load(folder: Path, text: str, default_calendar: str | None = None) -> Business:
    path = folder / "business.toml"
    path.write_text(text, encoding="utf-8")
    return load_business(path, default_calendar)


def complaints(folder: Path, text: str, default_calendar: str | None = None) -> list[str]:
    """The lines of the refusal after its headline."""
    with pytest.raises(BusinessFileError) as refusal:
        load(folder, text, default_calendar)
    headline, *lines = str(refusal.value).splitlines()
    assert str(folder / "business.toml") in headline
    return [line.strip() for line in lines]


# --- a good file ------------------------------------------------------------------------------------------------------


def test_the_shipped_file_says_who_sells_what_and_when() -> None:
    business = load_business(SHIPPED)
    assert (business.time_zone, business.company.name) == ("America/Sao_Paulo", "Sol Claro Energia")
    assert [(s.name, s.kommo_user_id, s.calendar_id) for s in business.sellers] == [
        ("Ana Ribeiro", 10001, "ana@solclaro.example"),
        ("Bruno Teixeira", 10002, "bruno@solclaro.example"),
    ]
    assert [(c.name, c.type.value, c.required) for c in business.qualification] == [
        ("bill", "money", True),
        ("property", "choice", True),
        ("owner", "yes_no", True),
    ]
    assert business.sellers[0].working_hours["fri"] == (Hours(start=time(9), end=time(12)), Hours(start=time(13), end=time(17)))


def test_a_file_from_before_sellers_acts_were_followed_still_loads_with_the_same_rules(tmp_path: Path) -> None:
    section, words = TEXT.index("[sync]"), TEXT.index("[result_words]")
    text = TEXT[:section] + TEXT[words:]
    lines = [line for line in text.splitlines() if not line.startswith("completed = ")]
    business, whole = load(tmp_path, "\n".join(lines)), load_business(SHIPPED)
    assert business.sync == whole.sync
    assert business.result_words.completed == ()


def test_every_text_of_the_shipped_file_stands_in_all_three_languages() -> None:
    business = load_business(SHIPPED)
    texts = [business.meetings.subject, *(c.question for c in business.qualification)]
    assert all(set(text) == {"pt-BR", "es", "en"} for text in texts)


def test_a_text_may_be_one_sentence_for_all_languages(tmp_path: Path) -> None:
    asked = '[qualification.question]\npt-BR = "Você é o dono do imóvel?"\nes = "¿Eres el dueño del inmueble?"'
    text = changed((asked + '\nen = "Do you own the property?"\n', ""), ('name = "owner"', 'name = "owner"\nquestion = "É seu?"'))
    assert load(tmp_path, text).qualification[2].question == {"pt-BR": "É seu?"}


@pytest.mark.parametrize(
    ("texts", "locale", "shown"),
    [
        ({"pt-BR": "oi", "es": "hola", "en": "hi"}, "es", "hola"),
        ({"pt-BR": "oi", "en": "hi"}, "es", "oi"),
        ({"es": "hola", "en": "hi"}, "pt-BR", "hola"),
        ({"en": "hi"}, "es", "hi"),
    ],
)
def test_a_text_comes_in_the_language_else_in_the_default_one_else_in_the_first(
    texts: dict[str, str], locale: str, shown: str
) -> None:
    assert in_language(texts, locale) == shown


def test_a_seller_without_a_calendar_gets_the_default_one(tmp_path: Path) -> None:
    text = changed(('calendar_id = "ana@solclaro.example"\n', ""))
    business = load(tmp_path, text, default_calendar="sales@solclaro.example")
    assert [s.calendar_id for s in business.sellers] == ["sales@solclaro.example", "bruno@solclaro.example"]


def test_sellers_are_found_by_their_kommo_user(tmp_path: Path) -> None:
    business = load(tmp_path, TEXT)
    found = business.seller(ANA)
    assert found is not None
    assert found.name == "Ana Ribeiro"
    assert business.seller(99) is None
    assert business.seller(None) is None


def test_a_moment_reads_as_on_the_wall_clock_of_the_business(tmp_path: Path) -> None:
    local = load(tmp_path, TEXT).local(datetime(2026, 3, 10, 1, 30, tzinfo=UTC))
    assert (local.date(), local.time()) == (date(2026, 3, 9), time(22, 30))


@pytest.mark.parametrize(
    ("day", "is_holiday"),
    [
        (date(2026, 1, 1), True),
        (date(2026, 7, 9), True),  # São Paulo's own
        (date(2026, 7, 10), False),
        (date(2027, 12, 25), True),  # also in a year not looked at yet
    ],
)
def test_holidays_are_those_of_the_region(day: date, is_holiday: bool) -> None:
    assert load_business(SHIPPED).is_holiday(day) is is_holiday


def test_without_a_region_no_day_is_a_holiday(tmp_path: Path) -> None:
    assert not load(tmp_path, changed(('holidays_region = "BR-SP"', ""))).is_holiday(date(2026, 1, 1))


def test_what_was_loaded_does_not_change() -> None:
    business = load_business(SHIPPED)
    with pytest.raises(ValueError, match="frozen"):
        business.time_zone = "UTC"  # type: ignore[misc]


# --- a bad one --------------------------------------------------------------------------------------------------------

MISTAKES = [
    # unknown and missing keys, at every depth
    ('time_zone = "America/Sao_Paulo"', 'time_zone = "America/Sao_Paulo"\ncolour = "blue"', "colour: unknown key"),
    ('assistant_name = "Clara"', 'assistant_name = "Clara"\nslogan = "Sol"', "company.slogan: unknown key"),
    ("rule = { min = 250 }", "rule = { min = 250, minimum = 3 }", "qualification[0].rule.minimum: unknown key"),
    ('name = "Bruno Teixeira"', 'name = "Bruno Teixeira"\nphone = "11"', "sellers[1].phone: unknown key"),
    ("buffer_min = 30", "buffer_minutes = 30", "meetings.buffer_minutes: unknown key"),
    ("task_type_id = 2", "task_type = 2", "kommo.task_type: unknown key"),
    ("cancelled = [", "canceled = [", "result_words.canceled: unknown key"),
    ("cancelled = [", "canceled = [", "result_words.cancelled: missing"),
    ('time_zone = "America/Sao_Paulo"', "", "time_zone: missing"),
    ('assistant_name = "Clara"', "", "company.assistant_name: missing"),
    ("kommo_user_id = 10002", "", "sellers[1].kommo_user_id: missing"),
    # empty and of the wrong kind
    ('name = "Sol Claro Energia"', 'name = ""', "company.name: String should have at least 1 character"),
    ("kommo_user_id = 10001", 'kommo_user_id = "Ana"', "sellers[0].kommo_user_id: Input should be a valid integer"),
    ("length_min = 60", "length_min = 60.5", "meetings.length_min: Input should be a valid integer"),
    ("length_min = 60", "length_min = 0", "meetings.length_min: Input should be greater than or equal to 5"),
    ("horizon_days = 10", "horizon_days = 61", "meetings.horizon_days: Input should be less than or equal to 60"),
    ("offers = 4", "offers = 0", "meetings.offers: Input should be greater than or equal to 1"),
    ("buffer_min = 30", "buffer_min = -5", "meetings.buffer_min: Input should be greater than or equal to 0"),
    ('lead_tag = "marcado"', 'task_deadline = "middle"', "kommo.task_deadline: Input should be 'start' or 'end'"),
    ('"furou", ', '" ", ', "result_words.no_show[5]: String should have at least 1 character"),
    ('completed = ["realizada"', 'completed = ["", "realizada"', "result_words.completed[0]: String should have at least 1"),
    ('lead_lost = "cancel"', 'lead_lost = "drop"', "sync.lead_lost: Input should be 'cancel' or 'keep'"),
    ('lead_deleted = "cancel"', "lead_deleted = true", "sync.lead_deleted: Input should be 'cancel' or 'keep'"),
    ('"create_and_tell"', '"create"', "sync.task_by_hand: Input should be 'create_and_tell', 'create_silently' or 'ignore'"),
    ('lead_lost = "cancel"', 'lead_won = "keep"', "sync.lead_won: unknown key"),
    (
        "automatic_replies = []",
        'automatic_replies = [""]',
        "whatsapp.automatic_replies[0]: String should have at least 1 character",
    ),
    # time zone, languages, holidays
    ('"America/Sao_Paulo"', '"Brasilia"', "time_zone: 'Brasilia' is no IANA time zone; write e.g. America/Sao_Paulo"),
    ('"America/Sao_Paulo"', '""', "time_zone: '' is no IANA time zone"),
    ('"America/Sao_Paulo"', '"../etc/passwd"', "time_zone: '../etc/passwd' is no IANA time zone"),
    ('en = "site visit"', 'fr = "visite"', "meetings.subject: language 'fr' is not known; use pt-BR, es, en"),
    ('pt-BR = "Você é o dono', 'pt = "Você é o dono', "qualification[2].question: language 'pt' is not known"),
    ('"BR-SP"', '"BR-XX"', "meetings: holidays_region 'BR-XX' is not known; write a country or country-state, e.g. BR-SP"),
    ('"BR-SP"', '"Atlantis"', "meetings: holidays_region 'Atlantis' is not known"),
    # intervals
    ('"09:00-13:00"', '"9 to 13"', "sellers[1].working_hours.sat[0]: '9 to 13' is no interval; write e.g. \"09:00-12:00\""),
    ('"09:00-13:00"', '"9:00-13:00"', "sellers[1].working_hours.sat[0]: '9:00-13:00' is no interval"),
    ('"09:00-13:00"', '"09:00-24:00"', "sellers[1].working_hours.sat[0]: '09:00-24:00' is no interval"),
    ('"09:00-13:00"', '"09:00Z-13:00"', "sellers[1].working_hours.sat[0]: '09:00Z-13:00' is no interval"),
    ('"09:00-13:00"', '"09:00-12:00-13:00"', "sellers[1].working_hours.sat[0]: '09:00-12:00-13:00' is no interval"),
    ('"09:00-13:00"', '"13:00-09:00"', "sellers[1].working_hours.sat[0]: '13:00-09:00' ends before it starts"),
    ('"09:00-13:00"', '"09:00-09:00"', "sellers[1].working_hours.sat[0]: '09:00-09:00' ends before it starts"),
    ('["09:00-13:00"]', "[9]", "sellers[1].working_hours.sat[0]: 9 is no interval"),
    ("sat = [", "saturday = [", "sellers[1].working_hours.saturday: Input should be 'mon', 'tue'"),
    ("length_min = 60", "length_min = 400", "file: sellers[0].working_hours has no interval as long as meetings.length_min, 400"),
    # criteria: rules that don't fit the type, options, names
    ("rule = { equals = true }", "rule = { min = 3 }", "qualification[2]: rule.min does not go with type 'yes_no'"),
    ("rule = { min = 250 }", "rule = { equals = true }", "qualification[0]: rule.equals does not go with type 'money'"),
    ('type = "money"', 'type = "text"', "qualification[0]: rule.min does not go with type 'text'"),
    (
        'type = "money"',
        'type = "amount"',
        "qualification[0].type: Input should be 'text', 'number', 'money', 'choice' or 'yes_no'",
    ),
    ("rule = { min = 250 }", "rule = { min = nan }", "qualification[0].rule.min: Input should be a finite number"),
    (
        "rule = { min = 250 }",
        "rule = { min = 9, max = 5 }",
        "qualification[0].rule: min 9 is greater than max 5: no answer would",
    ),
    (
        'accept = ["casa", "comércio", "sítio"]',
        'accept = ["casa", "loja"]',
        "qualification[1]: rule.accept names 'loja', which is",
    ),
    ('accept = ["casa", "comércio", "sítio"]', "accept = []", "qualification[1].rule.accept: Tuple should have at least 1 item"),
    ('options = ["casa", "comércio", "sítio", "apartamento"]\n', "", "qualification[1]: a choice needs options = [...]"),
    ('type = "yes_no"', 'type = "yes_no"\noptions = ["a"]', "qualification[2]: options go with type 'choice' only"),
    ('apartamento = ["apto"', '"mansão" = ["apto"', "qualification[1]: aliases names 'mansão', which is no option"),
    ('casa = ["sobrado"', 'casa = ["apto"', "qualification[1]: aliases: 'apto' stands for more than one answer"),
    ('no = ["aluguel"', 'maybe = ["aluguel"', "qualification[2]: aliases names 'maybe', which is no option"),
    ('type = "money"', 'type = "money"\naliases = { a = ["b"] }', "qualification[0]: aliases go with choice and yes_no only"),
    ('name = "bill"', 'name = "Conta de luz"', "qualification[0].name: String should match pattern"),
    ('name = "property"', 'name = "bill"', "qualification: name 'bill' stands twice"),
    # sellers
    ("kommo_user_id = 10002", "kommo_user_id = 10001", "sellers: kommo_user_id 10001 stands twice"),
    ('name = "Bruno Teixeira"', 'name = "Ana Ribeiro"', "sellers: name 'Ana Ribeiro' stands twice"),
    ('calendar_id = "ana@solclaro.example"\n', "", "sellers[0].calendar_id: missing, and GOOGLE_CALENDAR_ID is not set either"),
    ('"ana@solclaro.example"', '""', "sellers[0].calendar_id: missing, and GOOGLE_CALENDAR_ID is not set either"),
]


@pytest.mark.parametrize(("old", "new", "complaint"), MISTAKES, ids=[m[2][:60] for m in MISTAKES])
def test_a_mistake_is_named_with_its_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    found = complaints(tmp_path, changed((old, new)))
    assert any(line.startswith(complaint) for line in found), found


def test_sellers_must_exist(tmp_path: Path) -> None:
    head, _, rest = TEXT.partition("[[sellers]]")
    _, _, tail = rest.rpartition('sat = ["09:00-13:00"]')
    assert complaints(tmp_path, head + tail) == ["sellers: missing"]
    assert complaints(tmp_path, "sellers = []\n" + head + tail) == ["sellers: name at least one"]


def test_several_mistakes_are_listed_at_once_each_with_its_own_line(tmp_path: Path) -> None:
    text = changed(
        ('"America/Sao_Paulo"', '"Brasilia"'),
        ('tone = "próximo', 'mood = "próximo'),
        ('name = "property"', 'name = "bill"'),
        ("rule = { equals = true }", "rule = { equals = true, min = 3 }"),
        ('calendar_id = "ana@solclaro.example"\n', ""),
        ('"09:00-13:00"', '"13:00-09:00"'),
        ('"BR-SP"', '"BR-XX"'),
    )
    keys = [line.partition(": ")[0] for line in complaints(tmp_path, text)]
    assert keys == [
        "time_zone",
        "company.mood",
        "qualification[2]",
        "sellers[0].calendar_id",
        "sellers[1].working_hours.sat[0]",
        "meetings",
    ]


def test_doubles_among_sellers_and_among_criteria_are_both_named(tmp_path: Path) -> None:
    text = changed(("kommo_user_id = 10002", "kommo_user_id = 10001"), ('name = "property"', 'name = "bill"'))
    assert complaints(tmp_path, text) == [
        "qualification: name 'bill' stands twice",
        "sellers: kommo_user_id 10001 stands twice",
    ]


def test_every_seller_without_a_calendar_is_named(tmp_path: Path) -> None:
    text = changed(('calendar_id = "ana@solclaro.example"\n', ""), ('calendar_id = "bruno@solclaro.example"\n', ""))
    keys = [line.partition(": ")[0] for line in complaints(tmp_path, text)]
    assert keys == ["sellers[0].calendar_id", "sellers[1].calendar_id"]


def test_a_file_that_is_no_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "business.toml").write_text('time_zone = "America/Sao_Paulo\n')
    with pytest.raises(BusinessFileError, match=r"business\.toml is not valid TOML: .*line 1"):
        load_business(tmp_path / "business.toml")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "business.toml").write_bytes('time_zone = "São Paulo"'.encode("latin-1"))
    with pytest.raises(BusinessFileError, match="is not valid TOML"):
        load_business(tmp_path / "business.toml")


def test_a_missing_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        BusinessFileError, match=r"no business file at .*nowhere\.toml\. Copy business\.toml .* set BUSINESS_FILE"
    ):
        load_business(tmp_path / "nowhere.toml")


# --- before and after the meeting -------------------------------------------------------------------------------------


def test_without_a_word_about_it_there_are_two_reminders_a_task_three_touches_and_quiet_nights(tmp_path: Path) -> None:
    tables = ("[reminders]", "[follow_up]", "[rescue]")
    lines = TEXT.splitlines()
    kept = [
        line for line in lines if not line.startswith(("quiet_hours", "before_min", "after_min", "how", "touches_h", *tables))
    ]
    business = load(tmp_path, "\n".join(kept))
    assert business.reminders.before_min == (1440, 60)
    assert (business.follow_up.after_min, business.follow_up.how) == (20, "task")
    assert business.rescue.touches_h == (0, 24, 72)
    assert business.quiet_hours == QuietHours(start=time(21), end=time(8))
    assert business == load(tmp_path, TEXT)


def test_reminders_and_touches_are_put_in_order_and_may_be_none(tmp_path: Path) -> None:
    changes = {"reminders": {"before_min": [60, 2880]}, "rescue": {"touches_h": []}, "quiet_hours": ""}
    business = load_business(SHIPPED, changes=changes)
    assert business.reminders.before_min == (2880, 60)
    assert business.rescue.touches_h == ()
    assert business.quiet_hours is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"reminders": {"before_min": [60, 60]}}, "reminders.before_min: 60 stands twice"),
        ({"reminders": {"before_min": [5]}}, "reminders.before_min[0]: Input should be greater than or equal to 15"),
        ({"rescue": {"touches_h": [0, 1, 2, 3]}}, "rescue.touches_h: Tuple should have at most 3 items"),
        ({"rescue": {"touches_h": [24, 48, 72]}}, "rescue.touches_h: at most two hours besides 0: the message that every"),
        ({"follow_up": {"how": "email"}}, "follow_up.how: Input should be 'task', 'whatsapp' or 'off'"),
        ({"follow_up": {"how": "whatsapp"}}, 'file: follow_up.how is "whatsapp", but no seller has a whatsapp number'),
        ({"quiet_hours": "9pm-8am"}, "quiet_hours: '9pm-8am' is no interval"),
        ({"quiet_hours": "08:00-08:00"}, "quiet_hours: must be longer than nothing and at most 16 hours"),
        ({"quiet_hours": "08:00-07:00"}, "quiet_hours: must be longer than nothing and at most 16 hours"),
        ({"sellers": [{"whatsapp": "Ana"}]}, "sellers[0].whatsapp: 'Ana' is no phone number"),
        (
            {"sellers": [{"whatsapp": "+5511976543210"}, {"whatsapp": "+551176543210"}]},
            "sellers: whatsapp '551176543210' stands twice",
        ),
    ],
)
def test_a_mistake_about_touches_is_named_with_its_key(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(BusinessFileError) as refusal:
        load_business(SHIPPED, changes=changes)
    assert complaint in str(refusal.value)


def test_a_sellers_own_number_is_kept_in_one_form() -> None:
    business = load_business(SHIPPED, changes={"sellers": [{}, {"whatsapp": "(11) 7654-3210"}]})
    assert [seller.whatsapp for seller in business.sellers] == [None, "+5511976543210"]
