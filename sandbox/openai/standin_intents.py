"""What a customer wants, besides answering: a person, to cancel, to move, to say goodbye. Patterns over folded text.

All three languages are understood at once; only words that mean different things are kept apart by language.
"""

import re

from sandbox.openai.standin_text import clauses, fold, vocabulary, words


def _phrases(*alternatives: str) -> re.Pattern[str]:
    """A pattern that finds any of the alternatives as whole words."""
    return re.compile(rf"\b(?:{'|'.join(alternatives)})(?!\w)")


HEDGES = _phrases(
    "nao (?:sei|lembro|faco ideia|tenho certeza)",
    "sei la|talvez|depende|varia|mais ou menos",
    "no (?:se|recuerdo|estoy segur[oa])",
    "quizas?|tal vez|mas o menos",
    "don't (?:know|remember)",
    "not sure|no idea|maybe|perhaps|depends|it varies|hard to say",
)

_SMALL_WORDS = (
    "(?:(?:o|a|os|um|uma|el|la|un|una|the|some|any|real|de|do|da|seu|sua|otra|outra|with|to|com|con|para|pra|al) ){0,3}"
)
_PERSON = (
    "(?:pessoas?|alguem|humano|humana|gente|vendedora?|atendente|consultora?|representante|responsavel|corretora?|gerente|"
    "persona|alguien|asesora?|ejecutiv[oa]|agente|person|human|someone|somebody|agent|seller|salesperson|representative)"
)
_HUMAN = (
    "(?:atendente|humano|humana|pessoa (?:de verdade|real|humana)|vendedora?|atendimento humano|persona (?:real|de verdad)|"
    "asesora?|human|real person|agente?)"
)
_HAND_OFF = _phrases(
    rf"(?:falar|fala|conversar|tratar|hablar|comunicar(?:me)?|speak|talk|chat) {_SMALL_WORDS}{_PERSON}",
    rf"(?:atendid[oa] por|atendimento|transfer\w*|pass\w*) {_SMALL_WORDS}{_PERSON}",
    rf"(?:quero|queria|preciso|chama|chame|cade|quiero|necesito|i want|i need|get me) {_SMALL_WORDS}{_HUMAN}",
)
_HUMAN_ALONE = re.compile(rf"(?:por favor |please )?{_SMALL_WORDS}(?:{_HUMAN}|pessoa|persona|person)(?: por favor| please)?")
_REFUSED = _phrases("(?:nao|no|don't|not) (?:quero|preciso|quiero|necesito|want|need)")
_REFUSED_ROBOT = _phrases(r"(?:nao quero|no quiero|don't want)(?: \w+){0,4} (?:robo|robot|bot|chatbot|maquina|machine)")
_ROBOT = _phrases(
    r"(?:robo|robot|bot|chatbot|inteligencia artificial|(?:uma|una|an?) (?:ia|ai)|chatgpt|gpt)(?=[^.!]{0,80}\?)",
    r"(?:voce e|vc e|es|eres|are you) (?:uma? |una? |an? )?(?:pessoa|gente de verdade|persona|real|person)(?=[^.!]{0,80}\?)",
    r"(?:voce|vc|eres|are you|is this|isso|esto|estou falando|falo|hablo|talking)\b[^.!]{0,60}"
    r"\b(?:robo|robot|bot|chatbot|maquina|machine|humano|humana|human)",
)

_MEETING_NOUN = "(?:reuniao|visita|agendamento|encontro|compromisso|reunion|cita|meeting|appointment|visit)"
_CANCEL_VERB = "(?:cancelar|cancela|cancele|cancelem|desmarcar|desmarca|desmarque|desmarquem|anular|cancel|call off)"
_CANCEL = _phrases(_CANCEL_VERB)
_NOT_CANCEL = _phrases(rf"(?:nao|no|not|don't)(?: \w+){{0,3}} {_CANCEL_VERB}")
_CANCEL_EXPLICIT = _phrases(
    "(?:quero|queria|gostaria de|precis[oa]|precisamos|vou(?: ter que| precisar)?|vamos|podem?|poderia|favor|vim|desejo|"
    "tenho que|quiero|quisiera|necesito|voy a|puedes?|tengo que|please|want to|need to|would like to|i'd like to|have to|"
    f"can you|could you) {_CANCEL_VERB}",
    rf"{_CANCEL_VERB}(?: (?:a|o|la|el|the|minha|mi|my|essa|esa|nossa|nuestra|this|our)){{1,2}} {_MEETING_NOUN}\b(?!.*\?)",
)
_CANCEL_HINT = _phrases(
    _CANCEL_VERB,
    "nao (?:vou|vamos)(?: mais)? (?:poder|conseguir|dar)",
    "nao (?:poderei|conseguirei|vai dar|vai mais|posso mais|consigo mais|posso ir|consigo ir|vou mais|quero mais)",
    "no (?:voy a|vamos a) poder|ya no (?:puedo|voy|quiero)|no (?:puedo|podre) (?:ir|asistir)",
    "imprevisto",
    "(?:can't|cannot|won't|will not)(?: be able to)? (?:make|attend|go|come)",
)
_MOVE = _phrases(
    "remarcar|remarca|remarque|remarcacao|reagendar|reagenda|reagende|reagendamento|adiar|adia|antecipar|transferir",
    "reprogramar|posponer|aplazar|adelantar|reschedule|postpone|rebook",
    r"(?:mudar|muda|alterar|altera|trocar|troca|mover|cambiar|cambia|mudanca|change|move|switch)(?: \w+){0,4} "
    "(?:horario|hora|data|dia|reuniao|visita|fecha|reunion|cita|meeting|appointment|time|date|day|it)",
    r"(?:passar|passa|jogar|pasar|pasarla|move|push)(?: \w+){0,3} (?:para|pra|al|to)",
)
_OTHER_TIMES = _phrases(
    "outr[ao]s? (?:dias?|horarios?|datas?|opcao|opcoes|horas?|periodos?|momento)|mais (?:opcoes|horarios)",
    "otr[ao]s? (?:dias?|horarios?|fechas?|opcion|opciones|horas?)",
    "(?:another|other|different|more) (?:days?|times?|dates?|options?|slots?)",
    "nenhum[ao]?|ningun[oa]?|none of|neither",
    "nao (?:posso|consigo|da|serve|vai dar)|no (?:puedo|me sirve|me queda)|can't|cannot|doesn't work",
)
_OF_MINE = "(?:e|sera|ficou|fica|minha|meu|nossa|marcad[ao]|es|mi|quedo|nuestra|is|my|our)"
_WHEN = _phrases(
    "(?:quando|que horas?|(?:que|qual) (?:o |e o )?(?:horario|dia|data)|cuando|a que hora|what time|when|what day)"
    rf"\b[^.!]{{0,40}}\b{_OF_MINE}\b[^.!]{{0,40}}\b(?:{_MEETING_NOUN}|marcad[ao]|agendad[ao])",
    f"(?:quando|que horas|que dia|cuando|when|what time) (?:e|sera|es|ficou|is) (?:[a-z]+ )?{_MEETING_NOUN}",
    rf"(?:horario|data|dia|hora) (?:da|de|do|de la|del|of) (?:\w+ )?{_MEETING_NOUN}",
    "(?:que dia|que horas|quando|cuando|a que hora) (?:mesmo )?(?:ficou|quedo|quedamos)",
    "(?:tenho|tengo) (?:alguma |alguna )?(?:reuniao|visita|cita|reunion) marcada",
    f"when(?:'s| is) (?:my|our|the) {_MEETING_NOUN}",
    r"(?:confirmar|lembrar|esqueci|olvide|forgot)(?: \w+){0,2} (?:o |a |la |el |the )?(?:horario|hora|dia|data|time|day)",
)

_DECLINE = _phrases(
    "nao tenho (?:mais )?interesse|sem interesse|nao (?:me )?interessa|nao estou interessad[ao]",
    "par[ae] de (?:mandar|enviar|me)|nao quero mais(?: nada)?$",
    "no me interesa|no tengo interes|no estoy interesad[oa]|dej[ea] de (?:mandar|escribir)",
    "not interested|stop (?:texting|messaging|writing)|unsubscribe",
    "^(?:stop|sair|parar)$",
)
_BOOK = _phrases(
    "agendar|agenda|agende|agendamento|marcar|marca|marque|horarios?|disponibilidade|disponivel|reservar",
    "pode ser|prefiro|podemos|tem|seria|quero|posso|consigo|da para|melhor",
    "disponibilidad|puede ser|tienen|hay|quiero|puedo|que tal|mejor",
    "book|schedule|available|availability|i prefer|can we|could we|how about|what about|better|i can|do you have",
)
_GREETING = _phrases(
    "o+i+e*|ola|opa|e ai|eai|alo|bom dia|boa tarde|boa noite|tudo bem|tudo bom|como vai",
    "hola|buen[oa]s?(?: (?:dias?|tardes?|noches?))?|como esta|que tal",
    "hello|hi|hey|good (?:morning|afternoon|evening)|how are you",
)
_FAREWELL = _phrases(
    "muito obrigad[oa]|obrigad[oa]|obg|obgd|brigad[oa]|vlw|valeu|agradeco|grat[oa]",
    "muchas gracias|gracias|many thanks|thank you|thanks|thx|tks",
    "tchau|abracos?|falou|bom fim de semana|boa semana",
    "ate (?:logo|mais|la|breve|amanha|segunda|terca|quarta|quinta|sexta|sabado|domingo|a proxima)",
    r"adios|chao|chau|nos vemos|hasta (?:luego|pronto|manana|entonces|el \w+)",
    "bye|goodbye|see you|see ya|take care",
)
_FILLERS = vocabulary(
    "ok okay ta certo beleza blz perfeito otimo entao muito pela pelo atencao ajuda por tudo voce para pra a o e um uma bom boa",
    "dia tarde noite fechado combinado show legal te nos ai tambem maravilha de que perfecto vale listo muy amable igualmente la",
    "vejo excelente excelent so much for the your help you then great perfect",
)
_YES = vocabulary(
    "sim s ss simm claro isso positivo uhum aham exato exatamente certeza confirmo confirmado confirmada beleza blz bora fechado",
    "combinado perfeito si correcto exacto listo vale dale yes yeah yep yup sure correct right confirm confirmed ok okay okey",
)
_PLAIN_YES = vocabulary("sim s ss simm si yes yeah yep")
_CERTAIN = _phrases(
    "com certeza|pode ser|pode sim|tudo certo|ta bom|estarei la|vou sim",
    "por supuesto|con certeza|esta bien|of course|sounds good",
)
_NO = {
    "pt": vocabulary("nao n naum negativo nunca nop nope nem"),  # "no" is "in the" in Portuguese
    "es": vocabulary("no nop nunca negativo tampoco nao"),
    "en": vocabulary("no nope nah never not dont don isn doesn haven aren"),  # "don't" is read as "don", "t"
}
_OPENERS = vocabulary(
    "oi ola bom boa dia tarde noite olha ah ahn entao bem pois mas eu acho que creio hola yo hi hello well i think so"
)


def wants_person(text: str) -> bool:
    """Whether some clause asks for a human; "não quero falar com um robô" does too."""
    if _REFUSED_ROBOT.search(fold(text)):
        return True
    return any(_asks_for_person(clause) for clause in clauses(text))


def _asks_for_person(clause: str) -> bool:
    folded = _plain(clause)
    if _REFUSED.search(folded) or asks_if_robot(clause):
        return False
    return bool(_HAND_OFF.search(folded) or _HUMAN_ALONE.fullmatch(folded))


def asks_if_robot(text: str) -> bool:
    return bool(_ROBOT.search(fold(text)))


def cancels_explicitly(text: str) -> bool:
    """Whether the words leave no doubt ("quero cancelar"), so that nothing need be asked back."""
    folded = fold(text)
    return bool(_CANCEL_EXPLICIT.search(folded)) and not _NOT_CANCEL.search(folded)


def hints_at_cancelling(text: str) -> bool:
    """Whether the customer may want to cancel: the word alone, or "não vou mais poder"."""
    folded = fold(text)
    return bool(_CANCEL_HINT.search(folded)) and not _NOT_CANCEL.search(folded)


def mentions_cancelling(text: str) -> bool:
    folded = fold(text)
    return bool(_CANCEL.search(folded)) and not _NOT_CANCEL.search(folded)


def wants_to_move(text: str) -> bool:
    return bool(_MOVE.search(fold(text)))


def wants_other_times(text: str) -> bool:
    return bool(_OTHER_TIMES.search(fold(text)))


def asks_when(text: str) -> bool:
    """Whether the customer asks for the day or hour of their own meeting."""
    return bool(_WHEN.search(fold(text)))


def declines(text: str) -> bool:
    return bool(_DECLINE.search(_plain(text)))


def asks_for_times(text: str) -> bool:
    """Whether the text has a word of scheduling; only meaningful beside a day or an hour."""
    return bool(_BOOK.search(fold(text)))


def opens_with_greeting(text: str) -> bool:
    return bool(_GREETING.match(fold(text).lstrip(" ¡!")))


def greets(text: str) -> bool:
    """A message that is hardly more than a greeting; "obrigada, boa noite" says goodbye."""
    return bool(_GREETING.search(fold(text))) and not _FAREWELL.search(fold(text)) and _leftover(text, _GREETING) <= 2


def says_thanks(text: str) -> bool:
    """A message that is hardly more than thanks or a goodbye."""
    return bool(_FAREWELL.search(fold(text))) and _leftover(text, _FAREWELL) <= 2


def is_chatter(text: str) -> bool:
    """Words that answer no question: greetings, thanks, a wish for a person, doubts about the robot."""
    return greets(text) or says_thanks(text) or wants_person(text) or asks_if_robot(text) or declines(text)


def yes_or_no(text: str, language: str) -> str | None:
    """The text's lead, as the words yes and no; None when it says neither or hedges."""
    folded = fold(text)
    if HEDGES.search(folded):
        return None
    said = [word for word in words(text) if word not in _OPENERS]
    if not said:
        return "yes" if re.search("[👍✅👌]", text) else "no" if "👎" in text else None
    refuses = any(word in _NO[language] for word in said[:4]) or said == ["no"]
    # "claro que não", "ok, mas não": only a plain yes outweighs the refusal after it.
    if said[0] in _YES and (said[0] in _PLAIN_YES or not refuses):
        return "yes"
    if refuses:
        return "no"
    agrees = _CERTAIN.search(folded) or any(word in _YES and len(word) > 1 for word in said)
    return "yes" if agrees and len(said) <= 6 else None


def _plain(text: str) -> str:
    return fold(text).strip(" .!,;?")


def _leftover(text: str, pattern: re.Pattern[str]) -> int:
    """How many words a text has beyond the pattern's; with a number or a further question it is no chatter."""
    rest = pattern.sub(" ", fold(text))
    others = [word for word in words(rest) if word not in _FILLERS]
    is_more = re.search(r"[0-9]", rest) or ("?" in rest and others)
    return 99 if is_more else len(others)
