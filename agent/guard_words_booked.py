"""The words that claim a booked meeting, in Portuguese, Spanish and English."""

from agent.guard_claim_words import (
    AGREED,
    ANY,
    BE,
    BE_EN,
    HELD,
    HELD_EN,
    MEETING,
    PLACE,
    SET,
    SET_EN,
    SETTLED,
    TO_BE,
    WE,
    YOUR,
    ClaimPattern,
)


def _state(words: str, *, moment: bool = False, unless_after: str = "") -> ClaimPattern:
    return ClaimPattern(("booked",), words, needs_moment=moment, unless_after=unless_after)


def _deed(words: str) -> ClaimPattern:
    return ClaimPattern(("booked",), words, is_past_deed=True)


# What is put aside to choose from, or asked, is not booked: "separei duas opções", "reservei uns minutos".
_SEVERAL = (
    r"(?! (?:[\w'/]+ ){0,4}?(?:opc\w+|horarios|turnos|sugest\w+|sugerencias|alternativas|possibilidades|datas|fechas"
    r"|options|slots|times|informac\w+|duvidas?|perguntas?|respostas?|minut\w*|dados|exemplos?)\b)"
)
_STATES = (
    _state(rf"\b{BE} (?:\w+ ){{0,3}}?{SET}"),
    _state(rf"{BE_EN} (?:\w+ ){{0,2}}?(?:{SET_EN}|set for\b|down for\b|sealed\b|all yours\b)"),
    _state(
        rf"\b{PLACE}s?(?: tecnica| nov[oa]| nuev[oa])?(?: d[aoe]s? [\w:]+){{0,3}}(?: {BE})? (?:{SET}|{SET_EN}|{HELD})",
        unless_after=ANY,
    ),
    _state(rf"\b(?:your|the) {PLACE} (?:is|has been) (?:\w+ )?{HELD_EN}"),
    _state(rf"\b{PLACE}(?: ja)? (?:esta|ta|ficou|fica|queda|quedo|is) (?:bem |mais |all |ya )?(?:segur[oa]|safe|a salvo)\b"),
    _state(
        rf"\b{PLACE} (?:n[oa]|en el|en la|on the|on your|in the) (?:agenda|calendario|calendar|sistema"
        r"|system)\b",
        unless_after=ANY,
    ),
    _state(rf"^\W*(?:{AGREED} )?(?:{SET}|{SET_EN})(?! (?:a|o) (?:opcao|visita\?))"),
    # Wherever it stands: "terça 14h agendado".
    _state(rf"\b{SETTLED}", unless_after=TO_BE),
    _state(
        rf"\b{MEETING}(?: tecnica)?(?: (?:no? |n[oº.] ?)?#? ?\w*\d\w*)? (?:criad|gerad|efetuad|lancad|registrad|cread|created"
        r"|made\b|sorted\b)\w*"
    ),
    _state(
        r"\b(?:agendamento|reserva|marcacao|evento|booking)(?: (?!(?:eh|sao|es|son|is|are|pode|deve"
        r"|ser)\b)\w+){0,2}? (?:feit|realizad|concluid|efetuad|criad|confirmad|registrad|hech|cread|complete|made|done"
        r"|ok\b)\w*"
    ),
    _state(
        r"\b(?:anotad|registrad|lancad|apuntad)[oa]s?(?: aqui)? (?:na|no|en la|en el) (?:\w+ )?(?:agenda|calendario"
        r"|sistema)\b"
    ),
    _state(
        r"(?:\b(?:esta|estas|ta|is|are|ya|ja|it|quedo|consta|figura|entrou)|'s|'re) (?:\w+ ){0,2}?(?:na|en la|en el|no|on"
        r"|in) (?:\w+ )?(?:agenda|calendario|calendar|schedule|diary|sistema|books|lista|list)\b"
        rf"|\b(?:cert\w+|ok|pronto|confirmado|bien|listo|good) (?:com|con|with) (?:a |o |la )?(?:sua|seu|tu|su|your) {MEETING}\b"
    ),
    _state(
        r"\b(?:you're|you are|we're|we are|all) (?:all )?(?:set for|in for|down for|good to go|on for)\b"
        r"|\bset for (?:\w+day|tomorrow|today)"
    ),
    _state(
        r"\b(?:tudo (?:certo|certinho|pronto|ok|ajeitado|encaminhado|acertado)|todo (?:listo|confirmado|arreglado|ok)"
        r"|all set|everything(?:'s| is) set)(?: \w+)? (?:para|pra|p/|pro|for) (?!voce|a gente|eu|nos|comecar|vc)"
    ),
    # "O horário é seu."
    _state(
        rf"\b(?:{PLACE}|ele|ela|ese|esa|it|that)(?: \S+){{0,3}}?(?: (?:eh|es|is|ficou|fica|agora eh)|'s)(?: (?:todo|toda"
        rf"|all))? (?:seu|sua|tuy[oa]|yours|suy[oa])\b(?! (?:melhor|mejor))|\b{PLACE} (?:seu|sua|tuy[oa]|suy[oa])\W*$"
    ),
    # The bill may be "no seu nome" too.
    _state(
        r"^(?!.*\b(?:conta|fatura|imovel|factura|inmueble|bill|house|casa|titular|escritura)\b).*\b(?:(?:no|em|a) (?:seu|tu"
        r"|su) nom(?:e|bre)\b(?! (?:completo|eh))|under your name\b)"
    ),
    _state(
        r"\b(?:na mao|no papo|no esquema|negocio fechado|martelo batido|bateu o martelo|ta feito|trato hecho|it's a date"
        r"|done deal|consider it done)\b"
    ),
    # "Agora é só aguardar a visita."
    _state(
        r"\b(?:so|solo|just|left is to|solo queda|solo resta|agora (?:eh|e)|ahora)(?: te| le)? (?:esperar\w*|aguardar"
        r"|receber|recibir|wait for)"
        rf"(?: (?:a|o|la|el|the|your|sua|nossa|nuestra|nosso|our|pela|pelo|al?|del?))* ?(?:{MEETING}|PERSON|dia|day)"
    ),
    # A farewell until the meeting; "nos vemos por aqui" is none.
    _state(
        r"\b(?:te vejo|vejo voce|nos vemos|te espero|te esperamos|esperamos voce|aguardamos voce|see you"
        r"|we'll see you)\b(?! (?:por aqui|por ai|por aca|around|later|soon|em breve|pronto|outra hora))"
    ),
    _state(
        r"\b(?:voce|vc|tu|usted|you)(?: (?:ja|ya|already|now|agora))? (?:tem|tienes|tiene|have|got) (?:uma?|una?|an?|sua|tu|your)"
        rf" {MEETING}\b(?! (?:gratuit|gratis|de graca|por|free|que|com a|to))|\b(?:ja|ya|agora|ahora) (?:voce |vc )?(?:tem"
        rf"|tienes) (?:seu|sua|tu|su) {PLACE}\b"
    ),
    _state(
        r"\b(?:combinad\w+|fechad[oa]s?|fechadinh\w|fechou|acertado|combinamos|fechamos|quedamos|agreed|deal|te espero"
        r"|te esperamos|esperamos voce|espero voce|aguardamos voce|te aguardamos|nos vemos|te vemos|vejo voce|te vejo"
        r"|see you|catch you|meet you|(?:vai|vao|vamos|vou) (?:te )?visitar|(?:vai|vao|vamos|vou) ate (?:voce|ai|a sua|sua)"
        r"|pass(?:a|am|o|amos) ai|pasa por|te visitam?|te visitamos|te visitara|va a visitar(?:te|lo|la)?|visitara"
        r"|will visit|will come|will be there|will meet you|estara ai|estara na sua|looking forward to|conte com|contar com"
        r"|count on)\b",
        moment=True,
    ),
    _state(
        rf"\b(?:(?:sua|seu|tua|tu|su|your) {MEETING}|(?:nossa|nosso|nuestra|our) (?:visita|reuniao|encontro|cita|visit"
        r"|meeting))(?: tecnica)?(?:'s| (?:eh|es|is|sera|will be|fica|ficara|ficou|esta|vai ser|acontece|quedo|queda))\b",
        moment=True,
    ),
    _state(
        r"PERSON(?: (?:tecnic[oa]|te|lhe|le|ja|ya|vai|will|solar))*? (?:chega|chegam|chegara|chegarao|passa|passam|passara"
        r"|visita|visitam|vem|vira|virao|aparece|estara|estarao|llega|llegan|llegara|pasa|pasan|pasara|viene|vienen|ira"
        r"|irao|comes|arrives|arrive|visits|swings|swing|stops by|stop by|drops by|drop by|te espera|te atende)\b",
        moment=True,
    ),
    _state(
        r"\b(?:fic(?:a|ou) (?:assim|certo|isso|acertado|firme|de pe)|segue (?:firme|de pe)|esta de pe|ta de pe"
        r"|esta certo assim|queda asi|sigue en pie|(?:a gente|nos) (?:ta|esta|estamos|estaremos) (?:ai|la)|estaremos (?:ai"
        r"|la)|estamos ai|it's settled"
        rf"|that's settled|still on|temos (?:um|uma) {MEETING}|tenemos (?:una?) {MEETING})\b",
        moment=True,
    ),
    _state(
        r"\b(?:opcao|opcoes|opcion|escolha|eleccion|option|choice)(?: \d)?(?: \w+){0,2}? (?:registrad|salv|anotad|confirmad"
        r"|garantid|reservad|marcad|guardad|saved|recorded|locked|booked|confirmed)\w*|\b(?:opcao|opcion|option) (?:\d|um"
        r"|dois|tres|uno|dos|one|two|three) (?:entao|entonces|then|it is)\b"
    ),
    _state(r"^\W*you(?:'re| are) in\W*$|\b(?:quedaste|quedas|ficou|ficaste|estas|esta) dentro\b"),
    _state(r"^\W*(?:entao |entonces |so |then )?(?:ate|hasta) \S+(?: \S+){0,5}\W?$", moment=True),
    # What is being done while the reply is read: nothing is, the tools have run.
    _state(
        r"\b(?:estou|to|tou|estamos|estoy|i'm|i am|we're|we are) (?:\w+ )?(?:marcando|agendando|reservando|booking"
        r"|scheduling|putting you)\b|^\W*(?:marcando|agendando|reservando)\b"
    ),
    _state(r"\bconfirmo (?:(?:a|o|la|el|sua|seu|tu|su|que|aqui) |$)"),
    _state(
        r"PERSON(?: \w+){0,3}? (?:estara|vai estar|ira|vai|va a estar|will be|is going to be) (?:ate |na |no |a |en "
        r"|at )?(?:sua casa|seu endereco|tu casa|ai|your)\b"
    ),
    _state(r"\b(?:ja|ya) (?:te |lhe |lo |la )?(?:estou |vou |voy a )?(?:agendo|reservo|marcar|agendar|reservar|agendarte)\b"),
)
_DEEDS = (
    _deed(r"\b(?:marquei|agendei|encaixei|confirmei(?! que)|garanti|bloqueei|programei|travei|cravei|assegurei)\b"),
    _deed(rf"\b(?:(?:separei|reservei|guardei|segurei|fixei)\b|(?:aparte|separe|reserve|bloquee|fije)\^){_SEVERAL}"),
    _deed(
        rf"\b(?:marcamos|agendamos|reservamos|confirmamos|programamos|encaixamos) {YOUR}\b"
        r"|\b(?:te|lhe|ja|ya) (?:marcamos|agendamos|reservamos|confirmamos|programamos|anotamos|apartamos|encaixamos)\b"
    ),
    _deed(
        r"\b(?:a gente|sistema|equipe|equipo|ela|ele|PERSON)(?: \w+){0,2}? (?:marcou|agendou|agendo|reservou|encaixou"
        r"|confirmou (?:a|o|sua|seu|tudo|para|que))\b"
    ),
    _deed(
        r"\b(?:acabei de|acabamos de|consegui|conseguimos|acabo de|logre\^|pude|managed to|able to) (?:te |lhe )?(?:marcar"
        r"|agendar|reservar|encaixar|confirmar|programar|apartar|garantir|book|schedule|secure|reserve)(?:te)?\b"
    ),
    _deed(
        r"\b(?:coloquei|inclui|adicionei|inseri|botei|pus|anotei|lancei|registrei|deixei|puse|agregue\^|anote\^|deje\^|put"
        r"|added)(?: [\w']+){0,4}? (?:na|no|en la|en el|on|in|to|on the|to the) (?:\w+ )?(?:agenda|calendario|calendar"
        r"|schedule|diary|lista|list|books|rota|ruta|route|roteiro)\b"
    ),
    _deed(
        r"\b(?:te|lhe) (?:anotei|anote\^|coloquei|puse|encaixei)|\b(?:anotei|anote\^|coloquei|botei|puse) (?:sua|tu"
        r"|a sua) (?:visita|cita)\b"
    ),
    _deed(r"\b(?:put|pencill?ed|slotted|squeezed|signed|got|have|putting) (?:you|your visit) (?:in|down|on|up for|for)\b"),
    _deed(rf"\b(?:criei|cree\^|created)(?: \w+){{0,2}}? (?:evento|{MEETING}|event)\b"),
    _deed(rf"\b(?:registrei|registramos|registre\^) (?:\w+ )?(?:sua|seu|tu|su|a|o|la|el) (?:{PLACE}|agendamento)\b"),
    _deed(r"\b(?:agende\^|confirme\^|programe\^|marque\^|asegure\^)"),
    _deed(
        r"\b(?:he|hemos|se ha|han) (?:agendado|reservado|confirmado|programado|apartado|marcado|asegurado|anotado)\b"
        r"|\bse (?:agendo|reservo|confirmo|programo)\b"
    ),
    _deed(rf"{WE}(?:{SET_EN}|set up|got you|put you)"),
    _deed(
        rf"{WE}(?:blocked|held|saved|set aside|grabbed|snagged|taken|kept|locked)(?: \w+){{0,4}}? (?:for you|off"
        rf"|your)\b{_SEVERAL}"
    ),
    _deed(
        r"\b(?:conclui|fiz|finalizei|efetuei|realizei|fechei|completei|deixei feit[oa]|hice|complete\^|finalice\^|made"
        r"|completed|did|finished)(?: \w+){0,2}? (?:agendamento|reserva|marcacao|booking|reservation|appointment"
        r"|agendamiento)\b"
    ),
)

BOOKED = (*_STATES, *_DEEDS)
