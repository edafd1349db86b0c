"""What a sentence does with the time it names: offers, repeats, makes it depend on something, denies it. For `plain` text."""

import re

OFFERS = re.compile(
    r"\b(?:(?:tenho|temos|tengo|tenemos)(?! (?:certeza|seguridad|um encontro|uma? (?:visita|reuniao)|una? (?:visita|cita"
    r"|reunion)))|ha(?= (?:vaga|horario|disponib))|tem(?= (?:vaga|horario|disponib|livre|as |aas |\\d))|hay|i have(?! you)"
    r"|we have(?! you)|there (?:is|are)|there's|posso|podemos|consigo|conseguimos|consegue|puedo|podria\w*|poderia\w*|daria"
    r"|seria\w*|i can|we can(?!'t)|could|may|might|would|pode[m]?(?! (?:contar|ficar|deixar|esperar|aguardar|anotar|confiar"
    r"|comemorar|se preparar|preparar|relaxar|descansar))|puede[sn]?(?! (?:contar|quedar|esperar|confiar|anotar|relajar))"
    r"|da para|da pra|disponive(?:l|is)|disponibles?|available|availability|livres?|libres?|free|still open|(?:is|are) open"
    r"|openings?|vagas?|vagos?|opc\w+|options?|alternativas?|sugest\w+|sugiro|sugerencia|suggest"
    r"|horarios(?! de atendimento)|slots?|times\b|proximo horario|primeiro horario|primer horario|first time|serve[m]?"
    r"|sirven?|works?|suits?|sobr(?:ou|aram|a)|rest(?:ou|aram|am?)|oferec\w+|ofrec\w+|offer\w*|que tal|how about|what about"
    r"|talvez|quiza\w*|maybe|perhaps|quem sabe|encaixaria|proponho|propongo|either|prefer\w*)\b"
)
_NOT = re.compile(r"\b(?:nao|no|not|nunca|never|nem|ni)(?: \w+)? $")
# What was to be had is given away: "a última vaga ficou pra você".
_GIVEN = re.compile(
    r"\bfic(?:ou|a) (?:para|pra|com) (?:voce|vc)|\b(?:eh|es|is) (?:sua|seu|tuy[oa]|yours)\b|\bquedo para (?:ti|usted)"
    r"|\bwent to you|\bgood to go\b"
)
# What the customer wants or asks is repeated, or will be looked up.
WISHES = re.compile(
    r"\b(?:voce (?:\w+ )?(?:pediu|disse|perguntou|quer|quis|queria|prefere|preferiu|mencionou|falou|sugeriu|comentou"
    r"|gostaria|escolheu|escreveu|pode)|(?:sua|a) preferencia|seu pedido|conforme pediu|pediste|dijiste|preguntaste|quieres"
    r"|quisiste|prefieres|elegiste|mencionaste|usted (?:pidio|dijo|quiere|prefiere|eligio)|tu (?:preferencia|pedido)"
    r"|you (?:\w+ )?(?:asked|said|want|wanted|prefer|preferred|mentioned|suggested|wrote|requested|chose|picked)"
    r"|you'd (?:like|prefer)|your (?:preference|request)|(?:vou|deixa eu|deixe-me|deixa-me|preciso) (?:\w+ )?(?:ver"
    r"|verificar|checar|consultar|conferir|olhar)|estou (?:\w+ )?(?:vendo|verificando|checando|consultando|conferindo"
    r"|confirmando)|(?:voy a|dejame|dejeme|permiteme) (?:ver|revisar|verificar|consultar|mirar)|estoy (?:viendo|revisando"
    r"|verificando|consultando|confirmando)|(?:let me|i'll|i will|i am going to|i'm going to) (?:check|see|look|verify)"
    r"|(?:i'm|i am) (?:checking|looking|confirming))\b"
)
DEPENDS = re.compile(
    r"\b(?:se|si|caso|if|quando|cuando|when|assim que|as soon as|en cuanto|once)\b(?: [\w:']+){0,6}? (?:confirm\w*"
    r"|quiser\w*|quier\w+|prefer\w*|prefier\w*|escolh\w+|elij\w+|elig\w+|topar|concord\w+|aceit\w+|acept\w+|der\b|puder"
    r"|for bo[ma]|ficar? bo[ma]|funcion\w+|servir\w*|sirve|te queda|te parece|estiver|choose|want|like|agree|works?|suits?"
    r"|good|pick)(?!(?: \w+){0,3} (?:outr\w+|mud\w+|remarc\w+|cancel\w+|troc\w+|otr\w+|cambi\w+|another|different"
    r"|reschedul\w+|change|move))"
)
# Something is still to be told or agreed to before anything is settled.
WAITS = re.compile(
    r"\b(?<!nao )(?<!no )(?:preciso|precisamos|precisaria|falta|necesito|necesitamos|i need|we need|i just need"
    r"|i still need)(?! (?:so )?(?:que (?:voce |vc )?(?:esteja|fique|receba|abra|separe|aguarde)|que (?:estes|este|recibas)"
    r"|you to (?:be|stay|have|wait)))|\b(?:me (?:diga|diz|fala|fale|avisa se|avise se|confirma|confirme|responda|responde)"
    r"|basta (?:responder|confirmar|dizer)|(?:eh|e) so (?:responder|confirmar|dizer|escolher|me dizer)|responda|dime"
    r"|confirmame|solo (?:responde|confirma|dime)|reply|just say|let me know if|just confirm|please confirm"
    r"|por favor,? confirm\w+)\b"
)
# No denial, though it sounds like one.
COMFORT = re.compile(
    r"\b(?:nao se preocup\w+|nao tem (?:problema|erro)|no te preocup\w+|no se preocup\w+|sem problemas?|sin problemas?"
    r"|no problem|don't worry|no worries|nao (?:eh|ha) problema|not a problem)\b"
)
# The time is not to be had, or nothing is settled yet.
DENIES = re.compile(
    r"\b(?:nao (?:\w+ ){0,2}?(?:tenho|temos|tem|ha|consigo|consegui|conseguimos|atend\w+|da|posso|podemos|encontrei|achei"
    r"|existe|trabalh\w+|vejo|rola|sobrou|restou|abr\w+|funciona\w*|marquei|agendei|reservei|cancelei|remarquei|confirmei"
    r"|esta (?:livre|disponivel|marcad\w+|agendad\w+|confirmad\w+|reservad\w+)|foi (?:marcad|agendad|confirmad)\w+"
    r"|oferec\w+|fazemos|fazem)|sem (?:horarios?|vagas?|disponibilidade)|nada (?:livre|disponivel|marcado|agendado)"
    r"|nenhum\w*|indisponive\w+|ocupad\w+|ocuparse|lotad\w+|esgotad\w+|(?:estamos|esta|estaremos|escritorio|loja) fechad\w+"
    r"|feriado|festivo|holiday|ja passou|ya paso|already passed|no (?:\w+ ){0,2}?(?:tengo|tenemos|tiene|hay|puedo|podemos"
    r"|atend\w+|esta (?:libre|disponible|agendad\w+|confirmad\w+)|encuentro|encontre|trabaj\w+|ofrec\w+|abr\w+|agende\^"
    r"|reserve\^)|sin (?:horarios?|turnos?|disponibilidad)|ningun\w*|cerrad\w+|complet[oa]s?|(?:not|isn't|aren't|don't"
    r"|can't|cannot|won't|doesn't|haven't|wasn't) (?:\w+ ){0,3}?(?:free|available|open|have|booked|scheduled|work|do|fit"
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
