"""A plain form of what people type, in which days and hours are looked up, and what in it only looks like a time."""

import re
import unicodedata
from functools import lru_cache

from agent.moments_words import WEEKDAYS, one_of

# Fillers keep every offset: what they cover is read already, or is no time at all.
NOISE, DAY, HOUR = "¤", "¶", "§"

_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")  # "1️⃣" numbers an option
# Words whose accent decides what they mean: "às 3" is an hour and "as 3" three things; "é" is a verb and "e" joins.
_ACCENTED = {"é": "eh", "às": "aas", "ás": "aas", "à": "aa"}
_WORD = re.compile(r"\w+|\W")
_DROPPED = frozenset("*_~`")  # WhatsApp's marks for bold, italic and so on
_SAME = {"’": "'", "‘": "'", "ʼ": "'", "´": "'", "–": "-", "—": "-", "‑": "-", "−": "-", "\n": "\n", "\r": "\n", "\u2028": "\n"}


def plain(text: str) -> str:
    """Lower case without accents, marks of formatting, keycaps and doubled blanks; line breaks stay."""
    composed = unicodedata.normalize("NFC", _KEYCAP.sub(NOISE, text))
    pieces = (_ACCENTED.get(word.lower()) or "".join(map(_plain_char, word)) for word in _WORD.findall(composed))
    return re.sub(r" ?\n[ \n]*", "\n", re.sub(r" +", " ", "".join(pieces)))


@lru_cache(maxsize=4096)
def _plain_char(char: str) -> str:
    if same := _SAME.get(char):
        return same
    if char in _DROPPED or char in (DAY, HOUR):
        return ""
    if char.isspace():
        return " "
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(c for c in apart if unicodedata.category(c)[0] not in "MC").replace("\n", " ")


def fill(text: str, start: int, end: int, filler: str) -> str:
    """The text with that stretch covered."""
    return text[:start] + filler * (end - start) + text[end:]


_NUMBER = r"(?:\d{1,3}|uma?|d[uo]i?a?s|tres|quatro|cuatro|cinco|seis|dez|diez|un[ao]?|dos|an?|one|two|three|four|five|six|ten)"
_UNIT = (
    r"(?:h|hs|hrs?|horas?|hours?|min|mins|minut\w{1,3}|seg|segund[ao]s|dias?|days?|semanas?|weeks?|mes|meses|months?"
    r"|anos?|years?)"
)
_NEARLY = (
    r"(?:ate|cerca de|uns|umas|mais de|menos de|aproximadamente|up to|about|around|less than|more than|unos|unas|hasta|mas de)"
)
_STREET = r"(?:rua|r\.|av\.?|avenida|alameda|praca|travessa|rodovia|estrada|calle|plaza|street|avenue)"
_NO_TIMES = [
    re.compile(pattern)
    for pattern in (
        r"(?:https?://|www\.)\S{1,2000}|\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}",
        # Money and shares.
        (
            r"(?:r\$|us\$|u\$s|\$|€) ?\d[\d.,]{0,15}(?: ?(?:mil|k)\b)?|\b\d[\d.,]{0,15} ?(?:mil )?(?:reais"
            r"|real|reales|dolar\w{0,2}|dollars?|pesos|euros?|%)"
        ),
        # Time zones and their offsets: "GMT-03:00", the end of "2026-03-10T14:00-03:00".
        r"\b(?:gmt|utc) ?[+-]\d{1,2}(?::?\d\d)?|(?<=\d\d:\d\d)(?::\d\d)?[+-]\d\d:\d\d\b",
        # Phone numbers, post codes and longer codes.
        r"\+\d{1,3} ?\(?\d{2,3}\)? ?\d{4,5}[- ]?\d{4}\b|\(\d{2,3}\) ?\d{4,5}[- ]?\d{4}\b|\b\d{4,5}-\d{3,4}\b(?!-)|\b\d{5,}\b",
        # Numbers of options: at the start of a line or of a list, or after their word.
        r"(?m)^[ >-]{0,4}\d{1,2}(?: ?[).:]|o\)| -)(?=\D)|(?<![\w/:])\d{1,2}\)(?= ?\w)",
        (
            r"\b(?:opc(?:ao|oes|ion|iones)|options?|numeros?|number|numero|n[oº.]|#|item|alternativas?|passos?"
            r"|steps?|letra|casa|apto|sala|bloco|lote"
            r"|km|cep) ?#?(?:\d{1,5}(?:(?:,| ou| o| or| e| y| and) ?\d{1,2}(?![\d:h]))*)"
        ),
        rf"(?<![\w:/.,])\d ?(?:para|pra|for|=) (?=(?:a |o |el |on )?(?:{one_of(WEEKDAYS)}|amanha|tomorrow|sim\b|si\b|yes\b))",
        r"\b(?:escolh\w+|elegir|elige|elija|choose|pick) (?:entre|between|from|de) \d(?: e| y| and| a| to| ou) \d\b(?![:h])",
        r"\b\d{1,2}[aoº] (?:opc|vez|parcela|alternativa|pergunta|etapa|visita)\w*",
        rf"\b{_STREET} (?:\w+ ){{0,3}}\d{{1,2}} de \w+(?:, ?\d{{1,5}})?",
        rf"\b{_STREET} [^,.;:?!\n\d]{{1,40}}, ?(?:n[o.º]* ?)?\d{{1,5}}\b",
        # Durations: "em até 24h", "dura 2 horas", "2 horas de duração", "24/7", "a 30 minutos".
        r"\b24 ?(?:/ ?7|(?:h|horas|hours) (?:por|al|a|per) (?:dia|day))|\b7 dias\b",
        (
            rf"\b(?:em|en|in|within|dentro de|por|durante|for|ha|faz|hace|cada|every|dur\w{{1,6}}|lev\w{{1,4}}"
            rf"|demor\w{{1,4}}|takes?|lasts?"
            rf"|tard\w{{1,3}}|tom[ao]|reserve|cerca de|aproximadamente"
            rf"|about) (?:{_NEARLY} ){{0,2}}{_NUMBER}(?: (?:a|ou|o|or|to|e|-) {_NUMBER})? ?{_UNIT}\b"
            r"(?! (?:da|de la|in the) )(?: (?:e|y|and) (?:meia|media|a half|\d{1,2} ?min\w*))?"
        ),
        (
            rf"\b{_NUMBER}(?: (?:a|ou|o|or|to|-) {_NUMBER})? ?{_UNIT} (?:de (?:duracao|duracion|antecedencia"
            r"|visita|reuniao|conversa)|uteis|habiles"
            r"|long|de antelacion|depois|antes|later|before|in advance|por dia|corridos)"
        ),
        (
            rf"\bdaqui a {_NUMBER} ?(?:h|horas?|min\w*)\b|\bde (?:[1-3]|uma|duas|tres|una|dos) ?(?:h"
            r"|horas?)\b(?! (?:aas|as|a|ate|ou|da|de la)\b|-)"
        ),
        rf"\bde {_NUMBER} (?:a|ou|o) {_NUMBER} (?:horas|dias|semanas|meses|anos)\b",
        rf"(?<!as )(?<!at )\b{_NUMBER} (?:horas?|hours?) (?:e|y|and) (?:meia|media|a half)\b(?! (?:da|de la))",
        r"(?<!as )(?<!at )(?<![¶\d])\b(?:uma|una|an|one) (?:hora|hour)\b(?! (?:da|de la|in the))",
        rf"(?<!\d[:h])\b{_NUMBER} ?(?:minut\w{{1,3}}|min|mins|minutes)\b(?! (?:para|pra|past|to|before|after)\b)",
        # Greetings and turns of speech.
        (
            r"\b(?:boas? (?:tarde|noite)s?|bons? dias?|buen[oa]s? (?:dias?|tardes?|noches?)|good (?:morning"
            r"|afternoon|evening|night|day))\b"
        ),
        (
            r"\b(?:(?:bom|otimo|lindo|excelente|buen|feliz|good|great|nice|lovely)"
            r" (?:fi(?:m|nal) de semana|fin de semana|weekend)"
            r"|(?:boa|otima|buena|linda|excelente|feliz) (?:semana|segunda|terca|quarta|quinta|sexta)(?:[- ]feira)?"
            r"(?= ?(?:[!.,)¤]|$|\n)))"
        ),
        (
            r"\b(?:mais|muito|mas|muy|too|demasiado) tarde\b|\btarde demais\b|\bde hoje em diante\b"
            r"|\bhoje em dia\b|\bhoy en dia\b|\bnowadays\b"
        ),
        r"\b(?:ate|hasta) (?:amanha|manana)(?= ?(?:[!.,)¤]|$|\n| entao| pues|\W*$))",
        r"\b(?:ate|por|hasta|until|por el dia de) (?:hoje|hoy|today)\b",
        r"\b(?:ajud\w{1,4}|ayud\w{1,6}|help|contato|contacto|atender|servir)(?: voce| te| you| a voce)? (?:hoje|hoy|today)\b",
        r"\bthank(?:s| you) for [\w ]{1,30} today\b|\b(?:dia a dia|day to day|dia util|dias uteis|dia da semana|dia habil)\b",
        # Fractions and volts.
        r"(?<!dia )(?<!em )(?<!on )(?<!el )(?<![\d/])\b(?:1/2|1/3|2/3|1/4|3/4|50/50)\b(?!/)|\b\d{3}/\d{3}\b",
    )
]


def without_noise(text: str) -> str:
    """The plain text with links, prices, phone numbers, option numbers, addresses, durations and greetings covered."""
    for pattern in _NO_TIMES:
        text = pattern.sub(lambda match: NOISE * len(match[0]), text)
    return text
