"""What customers say of themselves, here and now, told from what they deny, wish, ask, used to have or say of others.

For texts after `fold`, in Portuguese, Spanish and English. Where it is not certain the answer is "no evidence": the agent then
asks again, which costs a message; a wrong "yes" sends a seller out for nothing.
"""

import re
from collections.abc import Iterator

from meetings.evidence_words import BREAK, NOT_BEFORE

_UNSURE = "sei|lembro|recordo|se|me lembro|me recordo|me acuerdo|tenho certeza|estoy segur[oa]|know|remember|sure"
_IDIOMS = re.compile(  # an "if" or a "not" that makes nothing uncertain
    r"\b(?:se (?:eu )?n(?:ao)? me engano|se (?:eu )?(?:bem )?me lembro(?: bem)?|se n(?:ao)? me falha a memoria|salvo engano"
    r"|si no me equivoco|si mal no recuerdo|if i'?m not (?:mistaken|wrong)|if i remember (?:right|correctly|well)"
    rf"|(?:nao|nem|n|no|not|don't|can't) (?:{_UNSURE})(?: (?:ao certo|direito|bem|exatamente|exato|exactly|seguro))*)\b"
)
_TAG = re.compile(r"\b(?:ne|viu|ta|ok|certo|sabe|entende|entendeu|verdad|right|you know)$")
_STARTS_WITH_ME = re.compile(
    r"^(?:(?:oi|ola|bom dia|boa tarde|hola|hi|hello|entao|olha|e|y|and) )*"
    r"(?:eu |yo |a gente |nos )?(?:sou|soy|somos|moro|vivo|moramos|tenho|tengo|temos|pago|gasto|pagamos|i am|i'm"
    r"|i own|i live|i have|i pay"
    r"|we pay|minha|meu|nossa|nosso|mi|my|our|e (?:uma?|minha|meu|na minha|no meu))\b"
)


def statements(clause: str, said: str) -> Iterator[str]:
    """The parts of a clause that assert something: without questions, but for those that begin with what somebody is or has.

    Args:
        clause: The words, folded.
        said: The whole message they stand in, folded.
    """
    marked = f"{clause}?" if f"{clause}?" in said else clause
    at = 0
    for match in [*BREAK.finditer(marked), None]:
        part = marked[at : match.start() if match else len(marked)].strip()
        mark = match[0] if match else ""
        at = match.end() if match else at
        is_question = mark.startswith("?") or part.endswith("?")
        part = part.rstrip("?").strip()
        is_own = _TAG.search(part) or (_STARTS_WITH_ME.match(part) and len(part.split()) > 4)
        if part and (not is_question or is_own):
            # Of a break at "but" the word itself stays before what follows; it asserts nothing.
            yield re.sub(r"^(?:mas|porem|but|pero|sino|e sim) ", "", _IDIOMS.sub(" ", part).strip())


# --- amounts ----------------------------------------------------------------------------------------------------------

# What makes a number one of money spent, in a message or in our question.
MONEY_TALK = re.compile(
    r"\$|\b(?:reais|reales|brl|contos?|pilas?|pag[aou]\w*|gast\w+|contas?|faturas?|boletos?|facturas?|recibos?|luz"
    r"|energia|valor"
    r"|custa\w*|cuesta\w*|bills?|pay\w*|paid|spend\w*|costs?|electric\w*|mes|mensal|mensual|month\w*|vem|veio|viene"
    r"|vino|llega)\b"
)
_BEFORE_NUMBER = r"(?: [\w$/]+){0,4} ?$"
_DENIED_NUMBER = re.compile(
    r"\b(?:(?:nao|n|nem|nunca|jamais|not|never|ni|\w+n't)|no(?= (?:es|son|pago|pagamos|gasto|llega|pasa|seria|viene|i|it)\b))"
    r"(?! (?:\w+ ){1,3}(?:pago|gasto|pagamos|gastamos|vem) $)"
    rf"{_BEFORE_NUMBER}|\bno (?:r?\$ ?)?$"
)
_DENIED_AFTER = re.compile(
    r"^\W{0,2}(?:reais|reales|conto|pila|dollars)?\W{0,2}(?:nao|not|no)(?= ?(?:$|e\b|eh\b|es\b|son\b|pago\b|gasto\b|mesmo\b))"
)
_WISHED = re.compile(
    r"\b(?:quer\w*|gostaria\w*|pretend\w*|esper[oa]\w*|sonh\w+|prefer\w+|ideal|meta|quisera|quem dera|quisiera\w*"
    r"|quiero|queremos"
    r"|gustaria|ojala|i'd|like to|love to|want\w*|wish\w*|hop(?:e|ing)|would|should|could|might|ideally|goal|target"
    r"|econom\w+|poup\w+|ahorr\w+|sav(?:e|ing)"
    r"|vou (?:passar|ficar|pagar|chegar)|vai (?:ficar|ser|vir|passar)|vamos (?:pagar|ficar)|voy a|va a|will|going to|gonna"
    r"|pagaria|gastaria|seria\w*|fosse\w*|fuera|fuese|poderia|podria|deveria|deberia"
    r"|se (?!paga|gasta)|si (?:fuera|fuese|pag|viene|lleg|es|gast|me|la|el)\w*|if)\b"
    r"(?!.*\b(?:pago|gasto|pagamos|gastamos|i pay|we pay|minha conta (?:e|vem)|mi factura es|my bill is)\b)"
)
_FORMER = re.compile(
    r"\b(?:antes|antigamente|previamente|anteriormente|pagava\w*|gastava\w*|vinha\w*|pagaba\w*|gastaba\w*|venia\w*|solia\w*"
    r"|(?:ano passado|ano pasado|last year|years? ago|anos atras|hace anos)|used to|previously|formerly|eram?(?! (?:a"
    r"|de) ultim))\b"
)
_PAST = re.compile(r"\b(?:foi|era|veio|fue|vino|was|were)\b")
_NOW = re.compile(r"\b(?:agora|hoje|atualmente|ahora|hoy|actualmente|now|today|currently|these days)\b")
_OTHER_THING = (
    r"(?:alugue(?:l|is)|condominio|agua|internet|wi-?fi|telefone|celular|gas|salario|renda|aposentadoria|parcelas?"
    r"|prestac(?:ao|oes)"
    r"|financiamento|entrada|desconto|iptu|multa|escola|mercado|alquiler|renta|sueldo|salario|cuotas?|hipoteca"
    r"|descuento|telefono"
    r"|rent|water|salary|income|mortgage|phone|instal+ments?|discount|groceries|capacete|cep|protocolo)"
)
_OTHER_THING_AFTER = re.compile(
    rf"^\W*(?:(?:reais|reales|conto|pila|por mes|al mes|a month)\W+)?(?:d[eao]|del|of|for|in|no|na|en|em|on)\W+"
    rf"(?:(?:a|o|the|my|la|el|mi|minha|meu)\W+)?{_OTHER_THING}\b"
)
_OTHER_THING_BEFORE = re.compile(
    rf"\b{_OTHER_THING}(?:\W+(?:e|eh|es|is|de|da|custa|cuesta|costs|fica|em|uns|unos|r|por mes|mensal))*\W*$"
    r"|\b(?:ganho|recebo|cobro|gano|i earn|i make)\b[\w $]{0,20}$"
    r"|\b(?:numero|num|n[o°º.]|nro|number|house no|apto|apartamento|ap|bloco|casa|lote|quadra|sala|rua|avenida|av"
    r"|calle|street|cep|km|kilometro"
    r"|ramal|telefone|fone|cpf|cnpj|rg|protocolo)\W*$"
)
_UNIT = re.compile(
    r"^\s*(?:m2|m²|mts?2?\b|metros?\b|met(?:er|re)s?\b|square\b|sq\b|km\b|quilometros?|kilometros?|kms?\b|kva\b"
    r"|kwp?\b|wp\b|w\b|watts?\b"
    r"|amp\w*|volts?\b|v\b|pessoas?|personas?|people|moradores?|habitantes?|residents?|filh[oa]s?|hij[oa]s?|kids"
    r"|children|funcionari\w+|emplead\w+"
    r"|employees|alunos?|clientes?|clients?|customers|famili\w+|families|quartos?|comodos?|suites?|rooms?|bedrooms?"
    r"|habitacion\w*|andares"
    r"|andar\b|floors?|pavimentos?|lampadas?|aparelhos?|ar(?:es)? condicionad\w+|placas?|paine(?:l|is)|panel\w*"
    r"|modulos?|telhas?|casas\b|imoveis"
    r"|anos?\b|years?|mes(?:es)\b|months|dias?\b|days?|semanas?|weeks?|horas?\b|hours?|hs?\b|min\w*\b|graus|grados"
    r"|kg\b|quilos?|kilos?|litros?"
    r"|vezes|veces|times|x\b|parcelas|cuotas|instal+ments|pesos?\b|soles\b|guaranies|guarani\b|libras?\b|pounds?\b"
    r"|yen\b|yuan|francos?\b|bolivares"
    r"|quetzales|lempiras|colones|clp\b|ars\b|cop\b|mxn\b|uyu\b|pen\b|gbp\b|£|eur\b|centavos?\b|cents?\b|pontos?\b|points?\b)"
)
_PERIOD = (
    r"(?:(?:a )?cada (?:dois|duas|dos|2|tres|3|quatro|4|seis|6) (?:mes\w*|semanas?)|de (?:dois|2) em (?:dois|2) meses"
    r"|bimestr\w+|trimestr\w+"
    r"|semestr\w+|(?:por|ao|al|cada|a|per|every|todo) (?:ano|year|semana|week|dia|day)|anua(?:l|is)\w*|anualmente"
    r"|yearly|annual\w*|weekly|semanal\w*"
    r"|every (?:two|2|three|3|other|second) (?:months?|weeks?)|bi-?monthly|diari[oa]s?|daily)"
)
_PERIOD_AFTER = re.compile(rf"^(?:\s+(?!(?:por|ao|al|a|per|no|na|mes|e|y|and|mas)\b)[\w$]+){{0,3}}?\s+(?:a )?{_PERIOD}\b")
_PERIOD_ANYWHERE = re.compile(rf"\b{_PERIOD}\b")
_OUTSIDER = (
    r"(?:vizinh\w+|amig[oa]s?|irma[os]?|irmao|irmaos|prim[oa]s?|colegas?|cunhad[oa]s?|sogr[oa]s?|tias?|tios?|chefe"
    r"|patrao|patroa|inquilin[oa]s?"
    r"|herman[oa]s?|vecin[oa]s?|suegr[oa]s?|jef[ea]|companer[oa]s?|cunad[oa]s?|neighbou?rs?|friends?|brothers?"
    r"|sisters?|cousins?|uncle|aunt|boss"
    r"|cowork\w+|tenants?|in-laws?|genro|nora|yerno|nuera)"
)
_OUTSIDERS = re.compile(
    rf"\b{_OUTSIDER}\b(?!.*\b(?:eu|yo|i|we|pago|gasto|pagamos|gastamos|moro|vivo|minha conta|meu imovel|minha casa"
    rf"|mi casa|e (?:a |o )?(?:minha|meu|noss[oa])|my (?:bill|house))\b)"
)


def counts_as_amount(part: str, start: int, end: int, *, said: str, is_alone: bool, question: str) -> bool:
    """Whether an amount in a statement is what the customer pays now: not denied, wished, past, another thing's or person's.

    Args:
        part: The statement.
        start: Where the amount begins in it.
        end: Where it ends.
        said: The whole message.
        is_alone: It is the message's only amount, so what is said anywhere of the period is said of it.
        question: The criterion's own question in all languages; a period it asks for is right.
    """
    before, after = part[:start], part[end:]
    if not counts_as_number(part, start, end, said=said):
        return False
    if _UNIT.match(after) or _OTHER_THING_BEFORE.search(before) or _OUTSIDERS.search(before):
        return False
    other = _OTHER_THING_AFTER.match(after)
    if other and not re.search(rf"\b{re.escape(other[0].split()[-1])}", question):
        return False
    is_odd_period = _PERIOD_AFTER.match(after) or (is_alone and _PERIOD_ANYWHERE.search(said))
    return not is_odd_period or _PERIOD_ANYWHERE.search(question) is not None


def counts_as_number(part: str, start: int, end: int, *, said: str) -> bool:
    """Whether a number in a statement is meant so: not denied, wished or of earlier times."""
    before, after = part[:start], part[end:]
    if _DENIED_NUMBER.search(before) or _DENIED_AFTER.match(after) or _WISHED.search(before) or _FORMER.search(part):
        return False
    later = said.partition(part)[2]
    return not (_PAST.search(part) and _NOW.search(later))


# --- choices ----------------------------------------------------------------------------------------------------------

_BUY = (
    r"(?:comprar|construir|adquirir|ter|tener|alugar|alquilar|mudar\w*|morar|viver|vivir"
    r"|buy|build|get|move|own|have|live|rent|buying|building|moving)"
)
_NOT_MINE_NOW = re.compile(
    r"\b(?:vend(?:i|emos|eu|o|endo)|vendid[oa]|fechei|fechou|fechamos|perdi|sai d[aeo]|tinha\w*|tive\w*|morava\w*"
    r"|morei|moramos antes|antes|antigamente"
    r"|tenia\w*|vivi|vivia\w*|vendimos|cerre|tuve|sold|closed|used to|had|lived|fosse|fuera|quem dera|ojala|i wish)\b"
    rf"|\b(?:quer\w*|vou|vamos|pretend\w*|pens\w+|gostaria\w*|sonh\w+|plan\w*|espero|quiero|quisiera|gustaria|voy"
    rf"|want\w*|would|wish|hope|will"
    rf"|going|looking|like)\b.*\b{_BUY}\b[\w ]*$"
    r"|\b(?:procur\w+|busc(?:o|ando|amos)|looking for|se (?:eu|for|fosse|tivesse)|si (?:fuera|tuviera)|if)\b"
    r"|\b(?:trabalh\w+|trabajo|trabajamos|work\w*)(?: \w+){0,3} $"
    r"|\b(?:estou|to|tou|estava|tava|estoy|estaba)(?: (?:agora|aqui|la|ainda|so|ahora|aca))?"
    r"(?: (?:em|no|na|num|numa|en|el|la|un|una|uma|a|minha|mi|meu))* $"
    r"|\b(?:fui|vou|indo|cheg\w+|volt\w+|sai\w*|passei|voy|vengo|llego|llegue|regres\w+|going|went|arriv\w+)(?: (?:ja"
    r"|agora|direto|ahora))?"
    r"(?: (?:em|no|na|ao|a|pra|para|de|do|da|al|to|the|home|minha|meu|mi|my|una?|uma))* $"
    r"|\bat (?:the|a|my|our)? ?$"
    r"|\b(?:dona|ama) de $"
)
_AT_HOME = re.compile(r"\b(?:em|en) $")
_LIVING = re.compile(
    r"\b(?:mor\w+|viv\w+|resid\w+|e|es|eh|fica|instalar|colocar|instalo|por|usar|seria|sera)(?: (?:aqui|la|hoje|sim"
    r"|so|mesmo|ahora|aca))? (?:em|en) $"
)


def counts_as_mine(part: str, start: int, end: int, *, names: str, at_home: bool) -> bool:
    """Whether an option named in a statement is what the customer has: not denied, sold, wished, nor where they happen to be.

    Args:
        part: The statement.
        start: Where the name begins in it.
        end: Where it ends.
        names: A pattern of all options' names.
        at_home: The name is a house's, of which "em casa" may only say that somebody is at home.
    """
    before, after = part[:start], part[end:]
    if NOT_BEFORE.search(before) or _OUTSIDERS.search(before) or _NOT_MINE_NOW.search(before):
        return False
    if re.match(
        rf"\W{{0,2}}(?:nao|no|not)\b(?:(?:\W+(?:e|eh|es|is|tenho|tengo|moro|vivo|mais|mesmo|senhora?))*\W*$|\W+{names})",
        after.lstrip(),
    ):
        return False
    return not (at_home and _AT_HOME.search(before) and not _LIVING.search(before))


# --- yes and no -------------------------------------------------------------------------------------------------------

_OWNER = r"(?:don[ao]s?|propriet\w+|duen[oa]s?|propiet\w+|owners?|owned?)"
_HAVING = rf"(?:ser|ter|tener|be|become|own|have|comprar|buy|{_OWNER}|meu|minha|nossa?|nosso|mia?|mio|mine|propri[oa]|propi[oa])"
UNREAL = re.compile(
    rf"\b(?:quer\w*|gostaria\w*|quisera|quisiera|quiero|gustaria|want\w*|wish\w*|would|hope|sonh\w+|pretend\w*"
    rf"|espero)(?: \w+){{0,4}} {_HAVING}\b"
    r"|\b(?:quem dera|quien fuera|ojala|fosse\w*|fuera\w*|fuese\w*|tivesse\w*|tuviera\w*|algum dia|um dia|algun dia"
    r"|someday|one day|em breve|soon|pronto sere)\b"
    r"|\bse (?:eu|for|ele|ela|deus|tudo|a gente)\b|\bsi (?:yo|algun|compro|todo)\b|\bif\b"
    rf"|\b(?:era|eram|foi|fui|fue|was|were|used to)(?: \w+){{0,2}} {_HAVING}\b|\b(?:ex|former|antig[oa])[ -]{_OWNER}\b"
    rf"|\b(?:vou|vamos|vai|serei|sera|sere|voy|vamos a|va a|will|going to|gonna|about to)(?: \w+){{0,3}} {_HAVING}\b"
    rf"|\bserei\b|\bsere\b"
    rf"|\b(?:quase|casi|almost) (?:\w+ )?(?:{_OWNER}|meu|minha|mine|mio|mia)\b|\b(?:estou"
    rf"|to) (?:tentando )?comprando\b|\bna fila\b|\bon the list\b"
)
_ROLES = (
    r"(?:administrador\w*|zelador\w*|sindic[oa]|gerente|funcionari[oa]|caseir[oa]|corretor\w*|procurador\w*"
    r"|responsavel|encarregad[oa]|genro|nora"
    r"|entead[oa]|padrasto|madrasta|herdeir[oa]|usufrutuari[oa]|empregad[oa]|morador\w*|hospede|yerno|nuera"
    r"|encargad[oa]|emplead[oa]|gestor\w*"
    r"|cuidador\w*|manager|caretaker|administrator|employee|son-in-law|daughter-in-law|agent|janitor|guest|heir)"
)
ROLE = re.compile(rf"\b(?:sou|somos|soy|i'm|im|i am|am|como|as)(?: (?:so|apenas|o|a|el|la|the|an?|um|uma|just|only))* {_ROLES}\b")
