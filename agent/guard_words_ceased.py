"""The words that take a meeting, or the customer, away: "removi sua visita", "ninguém vai na terça", "você foi descadastrada"."""

from agent.guard_claim_words import ENDING, MEETING, WE, ClaimPattern

_REMOVED = (
    r"(?:\b(?:removi|apaguei|exclui\^|eliminei|encerrei|baixei|desfiz|deletei|tirei|retirei|limpei|derrubei|desisti|borramos"
    r"|eliminamos|removemos|apagamos|tiramos|deshice)\b|\b(?:elimine|borre|quite|saque|retire|anule|tumbe)\^"
    rf"|{WE}(?:removed|deleted|erased|dropped|scrapped|scratched|wiped|voided|withdrew|pulled|ended)\b)"
)
_OF_YOURS = r"(?: (?:a|o|sua|seu|essa|esse|tua|teu|tu|su|la|el|the|your|that|this|tecnica|nossa|nosso|\w+day))*"
_GONE = (
    rf"(?:(?:desfeit|encerrad|deletad|borrad|desmanchad|baixad|extint|invalidad|anulad){ENDING}|gone\b|erased\b|off\b(?! to)"
    r"|void\b|dropped\b|withdrawn\b)"
)
_MAILING = (
    r"(?:(?:sua |nossa |tu |nuestra |la |our |my |the )?(?:lista|list|base|mailing|contatos|contactos|contacts|cadastro))\b"
)
_WRITE = (
    r"(?:mand\w+|envi\w+|escrev\w+|escrib\w+|cham\w+|incomod\w+|molest\w+|perturb\w+|contat\w+|contact\w*|receb\w+|recib\w+"
    r"|send\w*|messag\w*|text\w*|bother\w*|writ\w+|hear|get|receive)"
)

CEASED = (
    ClaimPattern(("cancelled",), rf"{_REMOVED}{_OF_YOURS} {MEETING}\b", is_past_deed=True),
    # "Tirei você da terça."
    ClaimPattern(
        ("cancelled",),
        rf"{_REMOVED}(?: (?:ja|te|lhe))? (?:voce|vc|you)(?: \w+)? (?:da|do|de|from|off)\b(?! (?:\w+ )?{_MAILING})"
        rf"|\bte (?:tirei|removi|(?:quite|saque|elimine|borre)\^) (?:da|do|de|del)\b(?! (?:\w+ )?{_MAILING})",
        is_past_deed=True,
        needs_moment=True,
    ),
    ClaimPattern(
        ("cancelled", "completed"),
        rf"\b{MEETING}(?: tecnica)?(?: (?:d[aeo]|de la|del|of|on) \S+)?(?: (?:ja|ya|foi|fue|esta|ta|ficou|quedo|is|was|has|been"
        rf"|now|all))* {_GONE}",
    ),
    ClaimPattern(
        ("cancelled",), rf"\b{MEETING}(?: tecnica)?(?: d[aeo] \S+)? (?:ja era|deixou de existir|dejo de existir|morreu)\b"
    ),
    # "It's off the calendar", "já saiu da agenda".
    ClaimPattern(
        ("cancelled",),
        r"\b(?:it's|it is|that's|is|esta|ta|saiu|salio|came|taken)(?: (?:now|all|ja|ya))* (?:off|out of|fora d[ao]"
        r"|fuera de(?: la|l)?|d[ao]|de la|del) (?:the |our |nossa |nuestra )?(?:calendar|schedule|agenda|books"
        r"|calendario)\b(?! que)",
    ),
    # Told never to be written to again, a customer believes it: only the record of the opt-out makes it so.
    ClaimPattern(
        ("opted_out",),
        rf"\b(?:descadastr|desinscri|desuscri|unsubscrib|opted out)\w*|(?:{_REMOVED}|\bdi de baja\b|\bdado de baja\b)"
        rf"(?: [\w^]+){{0,4}}? {_MAILING}|\b(?:removid|tirad|retirad|excluid|eliminad|quitad|sacad|borrad){ENDING}"
        rf"(?: \w+){{0,2}}? {_MAILING}|\b(?:removed|taken) (?:from|off) {_MAILING}|\bdad[oa] de baja (?:de|en) \w+",
        is_past_deed=True,
    ),
    # Nothing is done after the reply.
    ClaimPattern(
        ("opted_out",),
        r"(?:\b(?:vou|vamos|voy a|vamos a|i will|we will)|i'll|we'll) (?:ja |te |lhe )?(?:remov\w+|tir\w+|retir\w+|exclu\w+"
        rf"|quit\w+|sac\w+|borr\w+|take|delete)(?: [\w^]+){{0,4}}? {_MAILING}",
    ),
    ClaimPattern(
        ("opted_out",),
        rf"\b(?:nao|nunca|no|ya no|not|never|won't|jamais)(?: (?:\w+)){{0,3}}? (?:te |lhe )?{_WRITE}(?: \w+){{0,3}}?"
        r" (?:mais|mas|again|any ?more|nada)\b"
        rf"|\b(?:nao|nunca|no)(?: (?:vou|vamos|vai|vais|voce|vas|a|te|lhe))* mais (?:te |lhe )?{_WRITE}"
        r"(?! (?:a |o |as |os )?(?:opc|hor|foto|conta))"
        rf"|\b(?:ya no|nunca mas|no longer)(?: (?:te|le|vamos|voy|a|vas|you'll|will|we'll))* {_WRITE}"
        r"|\bparei de (?:te )?(?:mandar|enviar|escrever)\b|\bdeje\^ de (?:escribir|enviar|mandar)\w*",
        holds_denial=True,
    ),
)
# For who has a meeting: that it is not there, or that nobody comes. PERSON stands for whoever sells.
_NO = r"(?:nao|no|ya no|ja nao|not|won't|isn't|aren't|will not|never|nunca)"
# "A Ana não vai te cobrar": another deed is denied, not her coming.
_GOES = r"(?:aparec\w+|pass\w+r|visit\w*|ir|vir|venir|come|ai|la)\b"
_OTHER_VERB = rf"(?! (?!{_GOES})(?:(?:te|lhe|mais|mas|a) )*(?!{_GOES})\w+(?:ar|er|ir|arte|erte|irte)\b)"
_COMES = (
    r"(?:vai|va|ira|vao|van|vem|vira|viene|vendra|aparece\w*|passa|pasa|chega|llega|come|comes|coming|go|going|goes|visit|visits"
    r"|be there|show up)\b"
)
NOT_THERE = (
    (
        rf"\b{_NO} (?:ha|tem|tens|temos|existe|hay|tienes|tenemos|have|has) (?:mais |mas |ya |any )?(?:nenhuma? |ninguna? "
        rf"|a |sua |tu )?"
        rf"{MEETING}\b(?!.*\b(?:livres?|libres?|disponive\w+|disponibles?|antes|outr\w+|otr\w+|cust\w+|sem|mais cedo"
        rf"|free|open)\b)"
    ),
    rf"\b(?:no more|no longer an?) {MEETING}\b(?!s)",
    (
        rf"\b{MEETING}(?: tecnica)?(?: (?:d[aeo]|del) \S+)? {_NO}(?: (?:vai|va|mais|mas|will|does))*"
        r" (?:exist\w*|vale|acontec\w+|rola\w*|happen\w*|stands?|esta de pe|tera|suceder\w*)\b"
    ),
    rf"\b{MEETING}(?: tecnica)? (?:no longer|ya no|ja nao) (?:exist\w*|stands?|esta\b|vale|happens?|va\b)",
    (
        rf"\b(?:ninguem|nadie|nobody|no one|none of us)(?: (?:mais|mas|ja|will|is|vai|va|da equipe|del equipo|a))* "
        rf"{_COMES}{_OTHER_VERB}"
    ),
    rf"(?:PERSON|\bela|\bele|\bella)(?: (?:ja|ya|te|tambem))* {_NO}(?: (?:mais|mas|vai|te|be))* {_COMES}{_OTHER_VERB}",
    (
        rf"\b(?:ya no|ja nao|nao|we won't|we're not|we will not|no) (?:(?:mais|te) )*(?:vamos|iremos|come|coming"
        rf"|visit){_OTHER_VERB}"
        r"(?= (?:mais|mas)\b|\W*$| (?:ai|la|na|no|el|on|there|te visitar|visitar)\b)"
    ),
    (
        r"\b(?:nao|no|don't|needn't)(?: (?:eh|hace|you))* ?(?:precisa|preciso|necessario|falta|necesitas|necesita"
        r"|need)?(?: to| que)?"
        r" (?:mais|mas|ya|any more|anymore)(?: que)? (?:esper\w+|aguard\w+|receb\w+|wait\w*|expect\w*)(?: \w+){0,3}? ?(?:PERSON"
        rf"|{MEETING}|us\b|a gente)"
    ),
    r"\b(?:no need|don't need|don't have) to (?:wait|expect)(?: for)? PERSON (?:any ?more|any longer)",
    r"\bya no (?:hace falta (?:que )?|necesitas |tienes que )?esper\w+(?: a)? PERSON",
)
