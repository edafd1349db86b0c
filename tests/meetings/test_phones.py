"""One person, one number, however it was written."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meetings.phones import local_format, match_key, same_person, spellings, to_e164

BRAZIL = [
    # mobiles, as people and programs write them
    ("+5511987654321", "+5511987654321"),
    ("5511987654321", "+5511987654321"),
    ("11987654321", "+5511987654321"),
    ("(11) 98765-4321", "+5511987654321"),
    ("11 9 8765-4321", "+5511987654321"),
    ("11.98765.4321", "+5511987654321"),
    ("011 98765-4321", "+5511987654321"),
    ("0 15 11 98765-4321", "+5511987654321"),
    ("0055 11 98765-4321", "+5511987654321"),
    ("005511987654321", "+5511987654321"),
    ("+55 (11) 98765-4321", "+5511987654321"),
    ("+55 (0) 11 98765-4321", "+5511987654321"),
    ("+55 011 98765-4321", "+5511987654321"),
    ("  +55 11 98765-4321  ", "+5511987654321"),
    ("\u202a+55 11 98765\u20114321\u202c", "+5511987654321"),  # pasted from WhatsApp: direction marks, odd hyphen
    ("tel:+55-11-98765-4321", "+5511987654321"),
    ("Ana: 11 98765-4321 (recado)", "+5511987654321"),
    ("11 98765-4321 / 11 3333-4444", "+5511987654321"),
    ("11 98765-4321 ramal 12", "+5511987654321"),
    ("11 98765-4321\n11 3333-4444", "+5511987654321"),
    ("１１９８７６５４３２１", "+5511987654321"),  # full-width digits
    # WhatsApp ids
    ("5511987654321@s.whatsapp.net", "+5511987654321"),
    ("5511987654321:12@s.whatsapp.net", "+5511987654321"),
    ("5511987654321@c.us", "+5511987654321"),
    ("5511900000001@s.whatsapp.net", "+5511900000001"),
    # the ninth digit comes in
    ("551187654321@s.whatsapp.net", "+5511987654321"),
    ("553187654321@s.whatsapp.net", "+5531987654321"),
    ("554899887766", "+5548999887766"),
    ("+55 85 8811-2233", "+5585988112233"),
    ("+55 31 6765-4321", "+5531967654321"),
    ("+55 11 7765-4321", "+5511977654321"),
    ("1187654321", "+5511987654321"),
    ("(11) 9876-5432", "+5511998765432"),
    # area code 55 is not the country code 55
    ("55999991234", "+5555999991234"),
    ("5599991234", "+5555999991234"),
    ("555599991234", "+5555999991234"),
    ("(55) 3333-4444", "+555533334444"),
    # landlines stay as they are
    ("551133334444", "+551133334444"),
    ("(11) 3333-4444", "+551133334444"),
    ("553133334444@s.whatsapp.net", "+553133334444"),
    ("+55 11 5333-4444", "+551153334444"),
    ("0800 123 4567", "+558001234567"),
    # digits that mean a foreign number, because they can't be a Brazilian one
    ("5491123456789", "+5491123456789"),
    ("5215512345678", "+525512345678"),
    ("34612345678", "+34612345678"),
    ("351912345678", "+351912345678"),
    ("59899123456", "+59899123456"),
    ("14155552671", "+14155552671"),
    # digits that could mean either are Brazilian
    ("51987654321", "+5551987654321"),
    # unless the form says which
    ("+51987654321", "+51987654321"),
    ("51987654321@s.whatsapp.net", "+51987654321"),
]

ABROAD = [
    ("5215512345678@s.whatsapp.net", "BR", "+525512345678"),
    ("525512345678@s.whatsapp.net", "BR", "+525512345678"),
    ("+52 1 55 1234 5678", "MX", "+525512345678"),
    ("55 1234 5678", "MX", "+525512345678"),
    ("044 55 1234 5678", "MX", "+525512345678"),
    ("1 55 1234 5678", "MX", "+525512345678"),
    ("5491123456789@s.whatsapp.net", "BR", "+5491123456789"),
    ("541123456789@s.whatsapp.net", "BR", "+541123456789"),
    ("11 15 2345-6789", "AR", "+5491123456789"),
    ("0351 15 234-5678", "AR", "+5493512345678"),
    ("+54 9 11 2345-6789", "AR", "+5491123456789"),
    ("11 2345-6789", "AR", "+541123456789"),
    ("351 912 345 678", "PT", "+351912345678"),
    ("(415) 555-2671", "US", "+14155552671"),
    ("11 98765-4321", "PT", None),
    ("5521987654321@s.whatsapp.net", "AR", "+5521987654321"),
]

NO_NUMBERS = [
    "",
    "   ",
    "não tenho",
    "190",
    "98765-4321",  # no area code
    "8765-4321",
    "11 8765-432",
    "119876543211",
    "(10) 98765-4321",  # no such area code
    "+55 20 8765-4321x",
    "00",
    "+",
    "+11 98765-4321",  # country code forgotten: neither Brazil nor North America
    "+55 98765-4321",
    "+999 1234 5678",
    "0xx11",
    "222333444555666@lid",
    "120363000000000001@g.us",
    "status@broadcast",
    "0@s.whatsapp.net",
    "11987654321@example.com",
    "ana11987654321@s.whatsapp.net",
    "1" * 500,
    "+" * 500,
]


@pytest.mark.parametrize(("raw", "expected"), BRAZIL)
def test_a_number_written_in_brazil_becomes_e164(raw, expected):
    assert to_e164(raw) == expected


@pytest.mark.parametrize(("raw", "region", "expected"), ABROAD)
def test_a_number_is_read_with_the_habits_of_the_region(raw, region, expected):
    assert to_e164(raw, region) == expected


@pytest.mark.parametrize("raw", NO_NUMBERS)
def test_what_is_no_persons_number_gives_none(raw):
    assert to_e164(raw) is None


def test_a_range_the_library_does_not_know_is_believed_only_in_international_form():
    assert to_e164("31987654321@s.whatsapp.net") == "+31987654321"
    assert to_e164("+31987654321", "NL") == "+31987654321"
    assert to_e164("0987654321", "NL") is None
    assert to_e164("+5523987654321") == "+5523987654321"
    assert to_e164("23987654321") is None
    assert to_e164("+12112345678") == "+12112345678"


@given(st.text(alphabet="0123456789+() -./@swhatppnet:lidgu\n\u202aé", max_size=30), st.sampled_from(["BR", "MX", "AR"]))
@example("5511987654321@s.whatsapp.net", "BR")
@settings(deadline=None, max_examples=500)
def test_any_text_gives_a_number_that_reads_as_itself_or_none(raw, region):
    number = to_e164(raw, region)

    if number is not None:
        assert number[0] == "+"
        assert number[1:].isdecimal()
        assert 7 <= len(number) - 1 <= 15
        assert {to_e164(number, other) for other in ("BR", "MX", "AR", "PT")} == {number}
        assert to_e164(f"{number[1:]}@s.whatsapp.net") == number


@given(st.text(max_size=40))
@settings(deadline=None)
def test_nothing_anybody_types_breaks_the_reading(raw):
    to_e164(raw)
    match_key(raw)
    spellings(raw)
    spellings(raw, national=True)
    same_person(raw, raw)
    local_format(raw)


@given(st.integers(11, 99).filter(lambda ddd: ddd % 10), st.integers(60_000_000, 99_999_999))
@settings(deadline=None)
def test_a_brazilian_mobile_is_one_person_with_and_without_the_ninth_digit(ddd, eight):
    assert match_key(f"+55{ddd}9{eight}") == match_key(f"+55{ddd}{eight}") == f"55{ddd}{eight}"


@pytest.mark.parametrize(
    ("e164", "key"),
    [
        ("+5511987654321", "551187654321"),
        ("+551187654321", "551187654321"),
        ("5511987654321", "551187654321"),
        ("+551133334444", "551133334444"),
        ("+5511953334444", "5511953334444"),
        ("+558001234567", "558001234567"),
        ("+5491123456789", "541123456789"),
        ("+541123456789", "541123456789"),
        ("+5215512345678", "525512345678"),
        ("+525512345678", "525512345678"),
        ("+14155552671", "14155552671"),
    ],
)
def test_the_key_drops_what_comes_and_goes_between_spellings(e164, key):
    assert match_key(e164) == key


def test_a_new_mobile_is_not_confused_with_the_landline_that_shares_its_last_eight_digits():
    assert match_key("+5511953334444") != match_key("+551153334444")
    assert not same_person("+55 11 95333-4444", "+55 11 5333-4444")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("+5511987654321", "551187654321@s.whatsapp.net"),
        ("(31) 98765-4321", "553187654321"),
        ("+5491123456789", "541123456789@s.whatsapp.net"),
        ("+52 55 1234 5678", "5215512345678@s.whatsapp.net"),
    ],
)
def test_two_spellings_are_one_person(a, b):
    assert same_person(a, b)
    assert same_person(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("+5511987654321", "+5521987654321"),
        ("+5511987654321", "+5511987654322"),
        ("", ""),
        ("222333444555666@lid", "222333444555666@lid"),
        ("+5511987654321", "sem número"),
    ],
)
def test_different_numbers_and_no_numbers_are_not_one_person(a, b):
    assert not same_person(a, b)


def test_the_region_decides_which_local_number_is_meant():
    assert same_person("55 1234 5678", "+525512345678", "MX")
    assert not same_person("55 1234 5678", "+525512345678", "BR")


@pytest.mark.parametrize(
    ("e164", "international", "national"),
    [
        ("+5511987654321", ["5511987654321", "551187654321"], ["11987654321", "1187654321"]),
        ("+5511953334444", ["5511953334444"], ["11953334444"]),
        ("+551133334444", ["551133334444"], ["1133334444"]),
        ("+5491123456789", ["5491123456789", "541123456789"], ["91123456789", "1123456789", "111523456789"]),
        ("+541123456789", ["541123456789", "5491123456789"], ["1123456789", "91123456789"]),
        ("+525512345678", ["525512345678", "5215512345678"], ["5512345678", "15512345678"]),
        ("+14155552671", ["14155552671"], ["4155552671"]),
        ("+351966345678", ["351966345678"], ["966345678"]),
        ("5511987654321", ["5511987654321", "551187654321"], ["11987654321", "1187654321"]),
    ],
)
def test_spellings_come_likeliest_first_with_and_without_the_country_code(e164, international, national):
    assert spellings(e164) == international
    assert spellings(e164, national=True) == national


@pytest.mark.parametrize("e164", ["+5511987654321", "+5491123456789", "+525512345678", "+551133334444"])
def test_every_international_spelling_leads_back_to_the_person(e164):
    assert all(same_person(f"+{digits}", e164) for digits in spellings(e164))


@pytest.mark.parametrize(
    ("e164", "region", "shown"),
    [
        ("+5511987654321", "BR", "(11) 98765-4321"),
        ("+551133334444", "BR", "(11) 3333-4444"),
        ("+5511987654321", "AR", "+55 11 98765-4321"),
        ("+5491123456789", "BR", "+54 9 11 2345-6789"),
        ("+525512345678", "MX", "55 1234 5678"),
        ("desconhecido", "BR", "desconhecido"),
    ],
)
def test_people_see_a_number_as_they_write_it(e164, region, shown):
    assert local_format(e164, region) == shown


def test_people_are_shown_numbers_as_in_brazil_unless_told_otherwise():
    assert local_format("+5511987654321") == "(11) 98765-4321"
