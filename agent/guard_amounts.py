"""Money, shares and links in a reply: each must stand in the business's words, in the customer's, or among the known ones."""

import re
from decimal import Decimal, InvalidOperation

from agent.guard_known import Known
from agent.guard_speech import DENIES, WISHES
from agent.moments_text import plain
from agent.moments_words import NUMBERS

_AMOUNT = "it names an amount that neither the business file nor the customer gave"
_LINK = "it contains a link that no tool returned"
_NO_LINK = "it says that a link follows, but there is none"
_PHONE = "it contains a phone number that nobody gave"

_FIGURE = r"\d[\d.,]{0,15}(?<![.,])(?: ?(?:mil(?:hoes|hao)?|k|thousand)\b)?"
_HUNDREDS = {
    "cem": 100, "cento": 100, "cien": 100, "ciento": 100, "hundred": 100, "duzentos": 200, "trezentos": 300, "quatrocentos": 400,
    "quinhentos": 500, "seiscentos": 600, "setecentos": 700, "oitocentos": 800, "novecentos": 900, "doscientos": 200,
    "trescientos": 300, "cuatrocientos": 400, "quinientos": 500, "seiscientos": 600, "setecientos": 700, "ochocientos": 800,
    "novecientos": 900, "sessenta": 60, "setenta": 70, "oitenta": 80, "noventa": 90, "sesenta": 60, "ochenta": 80, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_WORDS = {word: value for word, value in NUMBERS.items() if " " not in word and "-" not in word} | _HUNDREDS
_WORD = "|".join(sorted([*_WORDS, "mil", "thousand"], key=len, reverse=True))
_WORDED = rf"(?:{_WORD})(?:(?: e | y | and | )(?:{_WORD})){{0,6}}"
_OF = rf"(?:(?:{_WORD})(?: e | y | and | )){{0,4}}"
_BIG = rf"{_OF}(?:{'|'.join(w for w, n in _HUNDREDS.items() if n >= 100)}|mil|thousand)(?:(?: e | y | and | )(?:{_WORD})){{0,6}}"
# What is counted is no money: "a partir de 250 kWh", "mais de vinte mil clientes".
_COUNTED = (
    r"(?! ?(?:%|h\b|hs\b|:|/|minut|dias|parcel|vezes|x\b|semanas?|mes\b|meses|anos?|horas?|weeks?|days?|years?|kw|km|w\b|watts?"
    r"|litros|metros|m2|andar|client|casas|famil|pessoas|personas|people|projet|proyect|project|instala|homes|paine|placas|panel|vez"
    r"|por cento|por ciento|percent|desculpas|obrigad|gracias|coisas|perdoes|opc|option|visita|passo|e vinte e|e vinte\b))"
)
_UNIT = r"(?P<unit>reais|real\b|reales|dolar\w{0,2}|dollars?|usd|brl|pesos|euros?)"
_MONEY = re.compile(
    rf"(?P<sign>r\$|us\$|u\$s|\$|€) ?(?P<a>{_FIGURE})(?: ?(?:a|ate|e|y|and|to|ou|o|or|-) ?(?P<a2>{_FIGURE})(?![\w:/]| ?%"
    rf"| ?h\b))?|(?<![\w.,$])(?:(?P<b2>{_FIGURE}) ?(?:a|ate|e|y|and|to|ou|o|or|-) )?(?P<b>{_FIGURE}"
    rf"|(?<!\w){_WORDED}) ?(?:de )?{_UNIT}"
    r"|(?:\bparcelas? (?:fixas? )?de|\bcuotas? de|(?<=\d)x de|\bvezes de|installments of|\bcusta|\bcuesta|\bcosts"
    r"|\bpor apenas|\bsai (?:por|a)|\bfica (?:em|por|na faixa de)|\bsale (?:en|a|por)|\bqueda en|\bvale|\bpague|\bpaga"
    r"|\bpay|\bgoes for)(?: so| apenas| uns| unos| about| cerca de)?"
    rf" (?P<c>{_FIGURE})(?! ?(?:%|h\b|hs\b|:|minut|dias|parcel|vezes|x\b|semanas?|mes|anos?|horas?|weeks?|days?|years?|kw|km"
    r"|metros|andar))"
    rf"|(?<![\w.,$])(?P<d>\d[\d.,]{{0,12}} ?(?:mil|k|thousand)\b)(?! ?(?:kwh|watts?|litros))"
    # After a word of price also in words, or without a unit: "a partir de duzentos", "a partir de 15.990".
    r"|(?:\ba partir de|\beconomi[sz]a\w*|\beconomia(?: \w+){0,2}? de|\bahorr\w+|\bsav(?:es?|ing)|\binvest\w+(?: "
    r"\w+){0,2}?(?: eh| de"
    r"| em| es| is| of)|\bentrada(?: eh| de| fica)+|\b(?:preco|precio|price|custo|costo)(?: \w+){0,3}?(?: eh| es| is| "
    r"de| por| em| en)"
    r"|\bsai|\bsale|\bstart(?:s|ing) (?:at|from)|\bfica|\bqueda)(?: (?:so|apenas|uns|umas|unos|about|around|cerca de|em torno de"
    r"|por volta de|ate|up to|a|por|em|en|r\$))*"
    rf" (?P<e>(?!20[12]\d\b)\d{{1,3}}(?:[.,]\d{{3}})+|(?!20[12]\d\b)\d{{3,}}|{_BIG})\b{_COUNTED}"
    rf"|(?<!\w)(?P<f>(?!(?:dois|dos|two) (?:mil|thousand) )(?:(?:{_WORD})(?: e | y | and | )){{1,4}}(?:mil|thousand)"
    rf"(?:(?: e | y | and | )(?:{_WORD})){{0,4}})\b{_COUNTED}"
)
_GROUPS = ("a", "a2", "b", "b2", "c", "d", "e", "f")
_SHARE = re.compile(
    rf"(?<![\w.,])(?:(?P<a2>\d[\d.,]{{0,8}}) ?%? ?(?:a|e|y|to|-|ou) )?(?P<a>\d[\d.,]{{0,8}}|{_WORDED})"
    r" ?(?:%|por cento|por ciento|percent)"
)
_PARTS = re.compile(
    r"(?<![\w.,])(?P<a>\d{1,3}) ?(?:x\b|vezes|veces|parcelas|cuotas|prestacoes|installments|instalments|monthly payments)"
)
_BARE = re.compile(rf"(?<![\w.,:/]){_FIGURE}(?![:/]\d)|(?<!\w){_WORDED}(?!\w)")
_ADDRESS = re.compile(
    (
        r"(?:https?://|www\.)[^\s<>\"]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
        r"|(?<![\w@.-])(?:[\w-]{1,63}\.){1,4}(?:com|net|org|io|app|example|link|site|online|store|ly|gl|page|dev|br|shop"
        r"|info|biz|xyz|tech|cloud|club|live|world|solar|energy|eco|digital|agency|company|services|(?-i:me|co|us|ai|tv|pt"
        r"|mx|cl|pe|uk|eu))(?![\w-])(?:\.\w\w\b)?(?:/[^\s<>\"]*)?|(?<![\w.])[\w-]{1,63}\.\w{2,6}/[^\s<>\"]+"
        r"|\b[\w-]+ (?:ponto|punto|dot) (?:com|net|org|br)\b"
    ),
    re.IGNORECASE,
)

_NUMBER = re.compile(
    r"(?<!\d)0[389]00[ .-]?\d{3}[ .-]?\d{3,4}\b|(?<![\w/.=-])(?:\+?\d{1,3} ?)?(?:\(?\d{2,3}\)? ?)?\d{4,5}[- .]?\d{4}(?![\w/])"
)
_ANNOUNCED = re.compile(
    r"\b(?:segue|seguem|aqui esta|aqui vai|here is|here's|here comes|aqui tienes|aqui te dejo|te dejo|clique n[oa]|acesse"
    r"|click)(?: \w+){0,3}? (?:link|enlace)\b"
)
_SENTENCE = re.compile(r"(?:[^.!?\n]|[.](?=\d))+[.!?]*")
# The price of something, not what the customer pays today.
_PRICED = re.compile(
    r"\b(?:cust(?:a|am|aria|o)|cuesta|costs?|sai (?:por|a)|fica (?:em|por)|sale|vale|preco|precio|price|parcelas?|cuotas?"
    r"|installments?|desconto|descuento|discount|economiz\w+|economia|ahorr\w+|saves?|a partir de|entrada"
    r"|investimento|inversion|valor (?:do|da|total))\b"
)


def unknown_phones(reply: str, known: Known) -> list[str]:
    """An objection when the reply holds a phone number that neither the business file nor the customer gave."""
    allowed = "\n".join([known.own_words, *known.said, *known.links])
    given = {_last_digits(match[0]) for match in _NUMBER.finditer(allowed)}
    found = {_last_digits(match[0]) for match in _NUMBER.finditer(_ADDRESS.sub(" ", reply))}
    return [_PHONE] if found - given else []


def unknown_links(reply: str, known: Known) -> list[str]:
    """An objection when the reply holds an address that is not known as a whole."""
    allowed = _addresses("\n".join([known.own_words, *known.said, *known.links]))
    found = _addresses(reply)
    if not found and _ANNOUNCED.search(plain(reply)):
        return [_NO_LINK]
    return [_LINK] if found - allowed else []


def unknown_amounts(reply: str, known: Known) -> list[str]:
    """An objection when the reply names money, a share or a number of instalments that nobody gave."""
    allowed = _amounts(known.own_words)
    said = set().union(*(_amounts(text) for text in known.said))
    said_figures = {value for text in known.said for value in _figures(text)}
    for sentence in _SENTENCE.findall(_without_addresses(reply)):
        # What the customer pays may be repeated; what they wish something cost is not its price.
        is_price = _PRICED.search(sentence) and not (
            sentence.rstrip().endswith("?") or WISHES.search(sentence) or DENIES.search(sentence)
        )
        for kind, value in _amounts(sentence):
            is_given = (kind, value) in allowed
            is_said = not is_price and ((kind, value) in said or value in said_figures)
            if kind in ("brl", "any"):
                is_given |= value in known.amounts or bool({("brl", value), ("any", value)} & allowed)
                is_said |= not is_price and bool({("brl", value), ("any", value)} & said)
            if not (is_given or is_said):
                return [_AMOUNT]
    return []


def _last_digits(number: str) -> str:
    return re.sub(r"\D", "", number)[-8:]


def _addresses(text: str) -> set[str]:
    found = (match[0].rstrip(".,;:!?)]}>*_'") for match in _ADDRESS.finditer(text))
    return {_bare_address(address) for address in found}


def _bare_address(address: str) -> str:
    without_scheme = re.sub(r"^https?://", "", address, flags=re.IGNORECASE)
    host, slash, path = without_scheme.partition("/")
    return (host.lower() + slash + path).rstrip("/")


def _amounts(text: str) -> set[tuple[str, Decimal]]:
    """Kind and value: "brl", "usd", "eur", "ars", "any" for a bare $; "%" and "x" for shares and instalments."""
    words = _without_addresses(text)
    found: set[tuple[str, Decimal]] = set()
    for match in _MONEY.finditer(words):
        kind = _currency(match["sign"] or match["unit"])
        found |= {(kind, value) for name in _GROUPS if (value := _value(match[name])) is not None}
    for match in _SHARE.finditer(words):
        found |= {("%", value) for name in ("a", "a2") if (value := _value(match[name])) is not None}
    found |= {("x", value) for match in _PARTS.finditer(words) if (value := _value(match["a"])) is not None}
    return found


def _figures(text: str) -> set[Decimal]:
    """Every number somebody wrote: "minha conta é 800" names no currency."""
    return {value for match in _BARE.finditer(_without_addresses(text)) if (value := _value(match[0])) is not None}


def _without_addresses(text: str) -> str:
    return plain(_ADDRESS.sub(" ", text))


def _currency(mark: str | None) -> str:
    if mark in ("us$", "u$s", "usd") or (mark or "").startswith(("dolar", "dollar")):
        return "usd"
    if mark == "€" or (mark or "").startswith("euro"):
        return "eur"
    return "any" if mark == "$" else "ars" if mark == "pesos" else "brl"


def _value(words: str | None) -> Decimal | None:
    if not words:
        return None
    figure = re.fullmatch(r"(\d[\d.,]*) ?(mil|milhao|milhoes|k|thousand)?", words)
    if not figure:
        return _spelled(words)
    digits = figure[1].rstrip(".,")
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?", digits):  # 1.500,00 and 1,500.00
        tail = re.search(r"[.,](\d{1,2})$", digits)
        whole = digits[: tail.start()] if tail else digits
        digits = re.sub(r"[.,]", "", whole) + (f".{tail[1]}" if tail else "")
    try:
        value = Decimal(digits.replace(",", "."))
    except InvalidOperation:
        return Decimal(-1)  # it is no number anybody gave
    factor = {"mil": 1000, "k": 1000, "thousand": 1000, "milhao": 10**6, "milhoes": 10**6}.get(figure[2] or "", 1)
    return value * factor


def _spelled(words: str) -> Decimal:
    """The value of "mil e duzentos": what is before "mil" is multiplied, the rest is added."""
    total = part = 0
    for word in re.split(r" (?:e|y|and) | ", words):
        if word in ("mil", "thousand"):
            total, part = total + max(part, 1) * 1000, 0
        elif word == "hundred":
            part = max(part, 1) * 100
        else:
            part += _WORDS.get(word, 0)
    return Decimal(total + part)
