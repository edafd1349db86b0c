"""What a sentence does with the time it names: offers, repeats, makes it depend on something, denies it. For `plain` text."""

import re

OFFERS = re.compile(
    r"\b(?:(?:tenho|temos|tengo|tenemos)(?! (?:certeza|seguridad|um encontro|uma? (?:visita|reuniao)|una? (?:visita|cita"
    r"|reunion)))"
    r"|ha(?= (?:vaga|horario|disponib))|tem(?= (?:vaga|horario|disponib|livre|as |aas |\\d))|hay|i have(?! you)"
    r"|we have(?! you)|there (?:is|are)"
    r"|there's|posso|podemos|consigo|conseguimos|consegue|puedo|podria\w*|poderia\w*|daria|seria\w*|i can|we can(?!'t)|could"
    r"|may|might|would"
    r"|pode[m]?(?! (?:contar|ficar|deixar|esperar|aguardar|anotar|confiar|comemorar|se preparar|preparar|relaxar|descansar))"
    r"|puede[sn]?(?! (?:contar|quedar|esperar|confiar|anotar|relajar))|da para|da pra|disponive(?:l|is)|disponibles?"
    r"|available|availability"
    r"|livres?|libres?|free|still open|(?:is|are) open|openings?|vagas?|vagos?|opc\w+|options?|alternativas?|sugest\w+|sugiro"
    r"|sugerencia|suggest"
    r"|horarios(?! de atendimento)|slots?|times\b|proximo horario|primeiro horario|primer horario|first time|serve[m]?"
    r"|sirven?|works?|suits?"
    r"|sobr(?:ou|aram|a)|rest(?:ou|aram|am?)|oferec\w+|ofrec\w+|offer\w*|que tal|how about|what about|talvez|quiza\w*|maybe"
    r"|perhaps|quem sabe"
    r"|encaixaria|proponho|propongo|either|prefer\w*)\b"
)
_NOT = re.compile(r"\b(?:nao|no|not|nunca|never|nem|ni)(?: \w+)? $")
# What was to be had is given away: "a última vaga ficou pra você".
_GIVEN = re.compile(
    r"\bfic(?:ou|a) (?:para|pra|com) (?:voce|vc)|\b(?:eh|es|is) (?:sua|seu|tuy[oa]|yours)\b|\bquedo para (?:ti|usted)"
    r"|\bwent to you|\bgood to go\b"
)
# What the customer wants or asks is repeated, or will be looked up.
WISHES = re.compile(
    r"\b(?:voce (?:\w+ )?(?:pediu|disse|perguntou|quer|quis|queria|prefere|preferiu|mencionou|falou|sugeriu|comentou|gostaria"
    r"|escolheu"
    r"|escreveu|pode)|(?:sua|a) preferencia|seu pedido|conforme pediu|pediste|dijiste|preguntaste|quieres|quisiste"
    r"|prefieres|elegiste|mencionaste|usted (?:pidio|dijo|quiere|prefiere|eligio)|tu (?:preferencia|pedido)"
    r"|you (?:\w+ )?(?:asked|said|want|wanted|prefer|preferred|mentioned|suggested|wrote|requested|chose|picked)"
    r"|you'd (?:like|prefer)|your (?:preference|request)"
    r"|(?:vou|deixa eu|deixe-me|deixa-me|preciso) (?:\w+ )?(?:ver|verificar|checar|consultar|conferir|olhar)"
    r"|estou (?:\w+ )?(?:vendo|verificando|checando|consultando|conferindo|confirmando)"
    r"|(?:voy a|dejame|dejeme|permiteme) (?:ver|revisar|verificar|consultar|mirar)"
    r"|estoy (?:viendo|revisando|verificando|consultando|confirmando)"
    r"|(?:let me|i'll|i will|i am going to|i'm going to) (?:check|see|look|verify)|(?:i'm|i am) (?:checking|looking"
    r"|confirming))\b"
)
DEPENDS = re.compile(
    r"\b(?:se|si|caso|if|quando|cuando|when|assim que|as soon as|en cuanto|once)\b(?: [\w:']+){0,6}? (?:confirm\w*|quiser\w*"
    r"|quier\w+|prefer\w*"
    r"|prefier\w*|escolh\w+|elij\w+|elig\w+|topar|concord\w+|aceit\w+|acept\w+|der\b|puder|for bo[ma]|ficar? bo[ma]"
    r"|funcion\w+|servir\w*|sirve"
    r"|te queda|te parece|estiver|choose|want|like|agree|works?|suits?|good|pick)(?!(?: \w+){0,3} (?:outr\w+|mud\w+|remarc\w+"
    r"|cancel\w+|troc\w+"
    r"|otr\w+|cambi\w+|another|different|reschedul\w+|change|move))"
)
# Something is still to be told or agreed to before anything is settled.
WAITS = re.compile(
    r"\b(?<!nao )(?<!no )(?:preciso|precisamos|precisaria|falta|necesito|necesitamos|i need|we need|i just need|i still need)"
    r"(?! (?:so )?(?:que (?:voce |vc )?(?:esteja|fique|receba|abra|separe|aguarde)|que (?:estes|este|recibas)|you to (?:be"
    r"|stay|have|wait)))"
    r"|\b(?:me (?:diga|diz|fala|fale|avisa se|avise se|confirma|confirme|responda|responde)|basta (?:responder|confirmar|dizer)"
    r"|(?:eh|e) so (?:responder|confirmar|dizer|escolher|me dizer)|responda|dime|confirmame|solo (?:responde|confirma|dime)"
    r"|reply|just say|let me know if|just confirm|please confirm|por favor,? confirm\w+)\b"
)
# No denial, though it sounds like one.
COMFORT = re.compile(
    r"\b(?:nao se preocup\w+|nao tem (?:problema|erro)|no te preocup\w+|no se preocup\w+|sem problemas?"
    r"|sin problemas?|no problem|don't worry|no worries"
    r"|nao (?:eh|ha) problema|not a problem)\b"
)
# The time is not to be had, or nothing is settled yet.
DENIES = re.compile(
    r"\b(?:nao (?:\w+ ){0,2}?(?:tenho|temos|tem|ha|consigo|consegui|conseguimos|atend\w+|da|posso|podemos|encontrei|achei"
    r"|existe|trabalh\w+"
    r"|vejo|rola|sobrou|restou|abr\w+|funciona\w*|marquei|agendei|reservei|cancelei|remarquei|confirmei|esta (?:livre"
    r"|disponivel|marcad\w+"
    r"|agendad\w+|confirmad\w+|reservad\w+)|foi (?:marcad|agendad|confirmad)\w+|oferec\w+|fazemos|fazem)"
    r"|sem (?:horarios?|vagas?|disponibilidade)|nada (?:livre|disponivel|marcado|agendado)|nenhum\w*|indisponive\w+|ocupad\w+"
    r"|ocuparse|lotad\w+"
    r"|esgotad\w+|(?:estamos|esta|estaremos|escritorio|loja) fechad\w+|feriado|festivo|holiday|ja passou|ya paso|already passed"
    r"|no (?:\w+ ){0,2}?(?:tengo|tenemos|tiene|hay|puedo|podemos|atend\w+|esta (?:libre|disponible|agendad\w+|confirmad\w+)"
    r"|encuentro|encontre"
    r"|trabaj\w+|ofrec\w+|abr\w+|agende\^|reserve\^)"
    r"|sin (?:horarios?|turnos?|disponibilidad)|ningun\w*|cerrad\w+|complet[oa]s?"
    r"|(?:not|isn't|aren't|don't|can't|cannot|won't|doesn't|haven't|wasn't) (?:\w+ ){0,3}?(?:free|available|open|have|booked"
    r"|scheduled|work|do|fit"
    r"|offer|find|confirmed|yet)|no longer|unavailable|fully booked|taken|closed|nothing|none|no (?:slots?|times?"
    r"|availability|openings?))\b"
)
# What today is may be said of any day.
TODAY_IS = re.compile(r"\b(?:hoje eh|hoy es|today is|hoje \()")


def offers(text: str) -> bool:
    """Whether the text, as `plain` writes it, speaks of what is to be had or chosen."""
    if _GIVEN.search(text):
        return False
    return any(not _NOT.search(text[: match.start()][-20:]) for match in OFFERS.finditer(text))
