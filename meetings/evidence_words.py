"""Words by which customers say yes, no, or that something is somebody else's. For texts after `fold`, in our three languages."""

import re

from meetings.qualification import NO_WORDS, YES_WORDS


def _words(*lines: str) -> set[str]:
    return {word for line in lines for word in line.split()}


def _one_of(*lines: str) -> str:
    return f"(?:{'|'.join(sorted(_words(*lines)))})"


# Marks and words after which somebody says something else.
BREAK = re.compile(r"[.;!?](?=\s|$)|[()\n]|,(?=\s)|\s(?=(?:mas|porem|but|pero|sino|e sim)\b)")

# What says yes by itself, and what does so only where nobody else is spoken of ("minha" in "é da minha mãe").
ASSENTS = (YES_WORDS - {"s", "y", "1"}) | _words(
    "claro exato exatamente correto positivo aham uhum certeza isso sou somos tenho temos soy tengo tenemos exacto correcto",
    "yeah yep sure correct exactly am have",
)
MINE = _words("meu minha nosso nossa mio mia nuestro nuestra mine ours")
# A yes that opens a sentence, being something, and words for owners; these say yes only together or with nothing else around.
YES_FIRST = (YES_WORDS - {"s", "y", "1"}) | _words("claro exato exatamente correto positivo aham uhum isso yeah yep sure exactly")
FIRST_PERSON = _words("sou somos soy am i'm we're own tenho temos tengo tenemos")
OWNERS = _words(
    "proprio propria proprios proprias dono dona donos donas proprietario proprietaria proprietarios proprio propia dueno duena",
    "duenos propietario propietaria owner owners own",
)
FILLERS = _words(
    "o a os as um uma e eh es is it it's this that i we eu nos yo nosotros ele ela el la los las the an and y",
    "mesmo mesma mismo misma",
    "sim si so ja tambem tambien aqui la ca aca unico unica only todo toda com certeza certo mim my me senhor senhora agora hoje",
    "casa imovel house property inmueble propiedad place home entao pois ta esta ne viu ok bem muito obrigado obrigada gracias",
)
IS_MINE = re.compile(
    r"\b(?:meus?|minhas?|noss[oa]s?|mi[oa]s?|nuestr[oa]s?|mine|ours)(?=\W*$|\W+(?:mesm[oa]|sim|propri[oa]|propi[oa]"
    r"|tambem|mism[oa]|tambien"
    r"|e|y|and|desde|ha|toda?|quitad[oa]|financiad[oa]|agora|hoje|already|ja|ahora)\b)"
    r"|(?:^|\b(?:e|eh|es|it's|is|sim|si|yes) )(?:a |o |la )?(?:meu|minha|noss[oa]|mi|my|our) (?:propri[oa] |propi[oa] |own )?"
    r"(?:casa|imovel|house|place|home|propiedad|inmueble|property|terreno|sitio|predio)\b"
    r"|\b(?:my|our) own\b|\b(?:no|em|en|in) (?:meu|nosso|mi|nuestro|my|our) (?:propri[oa] )?(?:nome|nombre|name)\b"
)
# "Filho do dono", "falar com a dona": what follows belongs to somebody or something else.
COMPLEMENT = re.compile(
    r"\b(?:d[oa]s?|de|del|of|pel[oa]s?|com|con|with|pr[oa]|para|to|for|from|ao)(?! (?:certeza|fato|verdad\w*|mim"
    r"|direito|seguro)\b)"
    r"(?: (?:the|el|la|los|las|o|a|os|as|um|uma|meu|minha|mi|my|this|that|est[ea]|ess[ea]))* (?!dono sou)[^\W\d_]{2,}\b"
)
DENIALS = (NO_WORDS - {"0"}) | _words("nunca nem not dont isn don never jamais tampouco tampoco")
RENT = r"(?:alug\w*|alquil\w*|rent|rents|rented|renting|inquilin\w+|locatari\w+|tenant)"
OTHERS = _one_of(
    "mae pai pais irmao irma irmaos filh[oa]s? espos[oa] marido mulher sogr[oa]s? ti[oa]s? avos? prim[oa]s? cunhad[oa]",
    "namorad[oa] chefe patrao patroa amig[oa]s? vizinh[oa]s? soci[oa]s? familia imobiliaria padres? madre herman[oa]s?",
    "hij[oa]s? mujer suegr[oa]s? abuel[oa]s? novi[oa] jef[ea] vecin[oa]s? mother father mom mum dad parents brother sister",
    r"son daughter wife husband uncle aunt grand\w+ boss landlord friend neighbou?r",
)
_MY = _one_of("minhas? meus? mis? my noss[oa]s? nuestr[oa]s? sua seu our o a os as el la los las the um uma un una an")
# "É da minha mãe", "minha sogra é a dona", "sou filho do dono", "my dad's", "é deles", "o dono é outro".
SOMEBODY_ELSES = re.compile(
    "|".join(
        [
            rf"\b(?:d[aeo]s?|de|del|of|for|to) (?:{_MY} )*{OTHERS}\b",
            rf"\b(?:{_MY} )*{OTHERS} (?:que )?(?:e|eh|es|is|era|was|tem|paga|owns?|has)\b",
            rf"\b{OTHERS}'s?(?!\w)",
            rf"\b(?:sou|soy|i'm|i am) (?:(?:so|just|{_MY}) )*(?:{OTHERS}|{RENT})\b",
            r"\b(?:dela|dele|delas|deles|de el|de ella|de ellos|his|hers|theirs|(?:someone|somebody) else)\b",
            r"\b(?:outr[oa] (?:pessoa|don[oa]|proprietari[oa])|otr[oa] (?:persona|duen[oa]|propietari[oa]))\b",
            r"\b(?:e|es) (?:de )?(?:outr[oa]|otr[oa])$",
        ]
    )
)
# A Spanish or English "no": the Portuguese one means "in the".
SAYS_NO = re.compile(
    r"^no(?:$|\W*[,.!]|\W* (?:gracias|i|it|we|lo|la|me|hay|senor\w*)\b)"
    r"|\bno (?:soy|es|somos|tengo|tenemos|vivo|esta|son|fue|quiero|i|one)\b|\w+n't\b"
)
# A denial close before the words that follow.
NOT_BEFORE = re.compile(r"\b(?:nao|nem|nunca|not|never|ni|\w+n't|no(?= (?:es|tengo|vivo|soy|tenemos|una?|a)\b))(?: \w+){0,3} $")
BARE = re.compile(
    r"(?:(?:sim|s|si|yes|yeah|yep|y|isso|isso mesmo|claro|exato|exatamente|correto|certo|positivo|aham|uhum|ok|eso|exacto"
    r"|correcto|correct|right|that's right|exactly|sure|nao|n|no|nope)\b[\s,.!]*)+"
)
# Words of questions that say nothing of what is asked.
COMMON = _words(
    "qual quais quanto quantos quantas voce para como este esta esse essa mais menos what which your does have much many",
    "about average cual cuanto tiene usted eres sois aqui seria with that this from sobre media medio",
)
