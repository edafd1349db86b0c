"""PHP's bracket keys, as they come over the wire and as they should never come."""

from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhooks.forms import FormError, parse_nested_form


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", {}),
        (b"a=1", {"a": "1"}),
        (b"a=", {"a": ""}),
        (b"a", {"a": ""}),
        (b"a=1&&b=2&", {"a": "1", "b": "2"}),
        (b"=1&%00=2&a=3", {"a": "3"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a[b]=1", {"a": {"b": "1"}}),
        (b"a%5Bb%5D=1", {"a": {"b": "1"}}),
        (b"a%5bb%5D[c]=1", {"a": {"b": {"c": "1"}}}),
        (b"name=Visita+%C3%A0+obra%2C+10h%2B", {"name": "Visita à obra, 10h+"}),
        ("name=Visita à obra".encode(), {"name": "Visita à obra"}),
        (b"text=linha+1%0D%0Alinha+2", {"text": "linha 1\r\nlinha 2"}),
        (b"text=a;b", {"text": "a;b"}),
    ],
)
def test_keys_and_values_are_decoded(body, form):
    assert parse_nested_form(body) == form


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"a[0]=x&a[1]=y", {"a": ["x", "y"]}),
        (b"a[1]=y&a[0]=x", {"a": ["x", "y"]}),
        (b"a[]=x&a[]=y", {"a": ["x", "y"]}),
        (b"a[][id]=1&a[][id]=2", {"a": [{"id": "1"}, {"id": "2"}]}),
        (b"a[0][id]=1&a[0][tags][]=x&a[0][tags][]=y", {"a": [{"id": "1", "tags": ["x", "y"]}]}),
    ],
)
def test_complete_numbering_gives_a_list(body, form):
    assert parse_nested_form(body) == form


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"a[1]=x", {"a": {"1": "x"}}),
        (b"a[0]=x&a[2]=y", {"a": {"0": "x", "2": "y"}}),
        (b"a[5]=x&a[]=y", {"a": {"5": "x", "6": "y"}}),
        (b"a[0]=x&a[id]=y&a[]=z", {"a": {"0": "x", "id": "y", "1": "z"}}),
        (b"a[01]=x&a[]=y", {"a": {"01": "x", "0": "y"}}),
        (b"a[-1]=x", {"a": {"-1": "x"}}),
        (b"a[99999999999999999999]=x&a[]=y", {"a": {"99999999999999999999": "x", "0": "y"}}),
        (b"0=x&1=y", {"0": "x", "1": "y"}),
    ],
)
def test_gaps_and_names_keep_their_keys(body, form):
    assert parse_nested_form(body) == form


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"a=1&a=2", {"a": "2"}),
        (b"a[b]=1&a[b]=2", {"a": {"b": "2"}}),
        (b"a=1&a[b]=2", {"a": {"b": "2"}}),
        (b"a[b]=2&a=1", {"a": "1"}),
        (b"a[b]=1&a[b][c]=2&a[d]=3", {"a": {"b": {"c": "2"}, "d": "3"}}),
    ],
)
def test_of_two_values_for_one_place_the_last_wins(body, form):
    assert parse_nested_form(body) == form


@pytest.mark.parametrize("key", ["a[", "a]", "a[b", "a]b[", "[a]", "[]", "a[b]c", "a[b[c]]", "a[b]]"])
def test_misplaced_brackets_are_part_of_the_name(key):
    assert parse_nested_form(f"{quote_plus(key)}=1&b[c]=2".encode()) == {key: "1", "b": {"c": "2"}}


def test_bytes_that_are_no_utf8_become_replacement_characters():
    assert parse_nested_form(b"a=%E1rvore&b=\xe1rvore&c[0][id]=7") == {
        "a": "\ufffdrvore",
        "b": "\ufffdrvore",
        "c": [{"id": "7"}],
    }


def test_half_surrogates_can_not_be_smuggled_in():
    assert "\ud83d" not in parse_nested_form(b"a=%ED%A0%BDx")["a"]


def test_nul_characters_vanish_from_keys_and_values():
    assert parse_nested_form(b"a%00[b\x00]=x%00y\x00z") == {"a": {"b": "xyz"}}


def test_as_many_keys_as_allowed_are_read_and_one_more_is_refused():
    assert len(parse_nested_form(b"&".join(b"k%d=v" % n for n in range(10)), max_keys=10)) == 10
    with pytest.raises(FormError, match="more than 10 keys"):
        parse_nested_form(b"&".join(b"k%d=v" % n for n in range(11)), max_keys=10)


def test_as_deep_a_key_as_allowed_is_read_and_one_deeper_is_refused():
    assert parse_nested_form(b"a[b][c]=1", max_depth=2) == {"a": {"b": {"c": "1"}}}
    with pytest.raises(FormError, match="deeper than 2 levels"):
        parse_nested_form(b"a[b][c][d]=1", max_depth=2)


def test_without_other_wishes_twenty_thousand_keys_and_twelve_levels_are_allowed():
    assert parse_nested_form(b"&".join([b"a=1"] * 20_000)) == {"a": "1"}
    assert parse_nested_form(b"a" + b"[x]" * 12 + b"=1")["a"]
    with pytest.raises(FormError):
        parse_nested_form(b"&".join([b"a=1"] * 20_001))
    with pytest.raises(FormError):
        parse_nested_form(b"a" + b"[x]" * 13 + b"=1")


@pytest.mark.parametrize("body", [b"segredo" + b"[x]" * 1_000_000 + b"=segredo", b"segredo=1&" * 20_001])
def test_a_refusal_does_not_quote_the_body(body):
    with pytest.raises(FormError) as refused:
        parse_nested_form(body)
    assert "segredo" not in str(refused.value)


def test_a_body_full_of_appended_values_is_read_in_one_pass():
    body = b"&".join(b"a[%d]=x" % n for n in range(9_000, 18_000)) + b"&a[]=y" * 9_000

    assert list(parse_nested_form(body)["a"])[-1] == "26999"


leaves = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
names = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(names, inner, min_size=1, max_size=3),
    max_leaves=12,
).filter(lambda tree: not isinstance(tree, str))


def _pairs(prefix, tree):
    if isinstance(tree, str):
        yield f"{quote_plus(prefix)}={quote_plus(tree)}"
        return
    for key, child in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from _pairs(f"{prefix}[{key}]", child)


@given(trees)
@settings(deadline=None)
def test_what_a_php_query_builder_writes_comes_back_as_it_was(tree):
    assert parse_nested_form("&".join(_pairs("root", tree)).encode()) == {"root": tree}


@given(st.binary(max_size=200) | st.text(alphabet="ab01[]=&%+5BD\0", max_size=60).map(str.encode))
@settings(deadline=None, max_examples=500)
def test_any_bytes_give_a_dict_of_strings_or_a_form_error(body):
    try:
        form = parse_nested_form(body)
    except FormError:
        return
    assert isinstance(form, dict)
    assert all("\0" not in leaf for leaf in _leaves(form))


def _leaves(value):
    if isinstance(value, str):
        yield value
        return
    for child in value.values() if isinstance(value, dict) else value:
        yield from _leaves(child)


@given(st.dictionaries(names, leaves, max_size=5))
def test_a_flat_form_is_read_as_the_standard_library_reads_it(flat):
    body = "&".join(f"{key}={quote_plus(value)}" for key, value in flat.items())

    assert parse_nested_form(body.encode()) == dict(parse_qsl(body, keep_blank_values=True))
