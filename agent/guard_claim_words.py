"""The words that claim a deed, in Portuguese, Spanish and English. Written for `plain` text in which "é" at a verb's end is "e^".

PERSON stands for whoever sells: a noun of the trade, or a seller's name.
"""

from dataclasses import dataclass
from functools import lru_cache

from agent.moments_words import one_of


@dataclass(frozen=True)
class ClaimPattern:
    """One way to claim.

    Attributes:
        facts: What must be true, one of them; the first names the objection.
        words: Pattern, looked for in each clause.
        is_past_deed: A verb such as "marquei": a condition in another clause does not excuse it.
        needs_moment: It claims only in a sentence that names a day or an hour: "te espero terça".
        holds_denial: A denial is part of the claim: "você não compareceu".
    """

    facts: tuple[str, ...]
    words: str
    is_past_deed: bool = False
    needs_moment: bool = False
    holds_denial: bool = False


MEETING = (
    r"(?:visita|reuniao|horario|agendamento|encontro|atendimento|compromisso|cita|reunion|turno|slot"
    r"|visit|meeting|appointment|booking|reserva)"
)
_PEOPLE = (
    "vendedor", "vendedora", "vendedores", "atendente", "atendentes", "consultor", "consultora", "consultores", "especialista",
    "colega", "colegas", "equipe", "o time", "nosso time", "do time", "humano", "pessoa", "responsavel", "gerente", "supervisor",
    "setor", "comercial", "tecnico", "alguem", "persona", "asesor", "asesora", "equipo", "companero", "companera", "encargado",
    "alguien", "seller", "salesperson", "sales team", "sales rep", "rep", "representative", "team", "person", "human",
    "colleague", "manager", "someone", "specialist", "consultant",
)  # fmt: skip


@lru_cache(maxsize=64)
def person(names: tuple[str, ...]) -> str:
    """A pattern for a seller's noun or one of the names."""
    # "José" ends like a Spanish verb and is marked like one.
    escaped = [rf"{name}\^?" for name in names if name.isalnum()]
    return rf"\b(?:{one_of([*_PEOPLE, *escaped])})\b"


_SET = r"(?:marcad|agendad|reservad|confirmad|garantid|programad|separad|apartad)[oa]s?\b"
_SET_EN = r"(?:booked|scheduled|confirmed|reserved|secured|arranged)\b"
_WE = r"(?:\b(?:i|we|i've|we've|i have|we have|i just|just|system has|team has)(?: (?:\w+|just)){0,2}? )"
_YOUR = r"(?:sua|seu|a sua|o seu|tua|teu|tu|su|la|el|a visita|o horario|a reuniao|para|pra|voce|entao)"
_BE = (
    r"(?:esta|estao|ta|ficou|ficaram|fica|foi|foram|deixei|deixamos|ja|ya|tem|tens|tienes|tiene|tenho"
    r"|quedo|queda|quedaste|quedas|quedado|fue|fueron|encontra|sido|segue)"
)
_BE_EN = r"(?:\b(?:is|are|was|were|been|got|have you|it)|'s|'re)"
_GENERIC = r"(?<!com a )(?<!da )(?<!apos a )(?<!de )(?<!da sua )(?<!con la )(?<!sem )(?<!sin )(?<!the )"
_BOOKED = [
    ClaimPattern(("booked",), rf"\b{_BE} (?:\w+ ){{0,3}}?{_SET}"),
    ClaimPattern(("booked",), rf"{_BE_EN} (?:\w+ ){{0,2}}?(?:{_SET_EN}|set for\b|locked in\b|pencill?ed in\b|down for\b)"),
    ClaimPattern(("booked",), rf"{_GENERIC}\b{MEETING}(?: tecnica)? (?:{_SET}|{_SET_EN})"),
    ClaimPattern(
        ("booked",),
        (
            r"^\W*(?:(?:tudo|ja|ya|entao|entonces|todo|all|now|pronto|prontinho|perfeito"
            rf"|certo|otimo|listo|perfecto|great|done|ok) )?(?:{_SET}|{_SET_EN})(?! (?:a"
            r"|o) (?:opcao|visita\?))"
        ),
    ),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:marquei|agendei|reservei|encaixei|confirmei(?! que)|garanti|separei"
            r"|bloqueei|programei)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("booked",),
        (
            rf"\b(?:marcamos|agendamos|reservamos|confirmamos|programamos) {_YOUR}\b"
            r"|\b(?:te|lhe|ja|ya) (?:marcamos|agendamos|reservamos|confirmamos"
            r"|programamos|anotamos)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:a gente|sistema|equipe|ela|ele|PERSON)(?: \w+)? (?:marcou|agendou"
            r"|reservou|confirmou (?:a|o|sua|seu))\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:acabei de|acabamos de|consegui|conseguimos|acabo de|logre\^|pude"
            r"|managed to) (?:te )?(?:marcar|agendar|reservar|encaixar|confirmar"
            r"|programar|apartar|book|schedule)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:coloquei|inclui|adicionei|inseri|botei|pus|anotei|lancei|registrei"
            r"|puse|agregue\^|anote\^|put|added)(?: [\w']+){0,4}? (?:na|no|en la|en el"
            r"|on|in|to|on the|to the) (?:\w+ )?(?:agenda|calendario|calendar|schedule"
            r"|diary)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("booked",),
        (
            r"(?:\b(?:esta|ta|is|are|ya|ja|it|quedo)|'s|'re) (?:\w+ )?(?:na|en la|en el"
            r"|no|on|in) (?:\w+ )?(?:agenda|calendario|calendar|schedule)\b"
        ),
    ),
    ClaimPattern(("booked",), rf"\b(?:criei|cree\^|created)(?: \w+){{0,2}}? (?:evento|{MEETING}|event)\b", is_past_deed=True),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:agendamento|reserva|marcacao|evento|booking)(?: \w+){0,2}? (?:feit"
            r"|realizad|concluid|efetuad|criad|confirmad|registrad|hech|cread|complete"
            r"|made)\w*"
        ),
    ),
    ClaimPattern(("booked",), r"\b(?:agende\^|reserve\^|confirme\^|programe\^|aparte\^|marque\^)", is_past_deed=True),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:he|hemos|se ha) (?:agendado|reservado|confirmado|programado|apartado"
            r"|marcado)\b|\bse (?:agendo|reservo|confirmo|programo)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(("booked",), rf"{_WE}(?:{_SET_EN}|set up|locked in|pencill?ed|got you|put you down)", is_past_deed=True),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:you're|you are|we're|we are|all) (?:all )?(?:set for|in for|down for"
            r"|good to go|on for)\b|\bset for (?:\w+day|tomorrow|today)"
        ),
    ),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:tudo (?:certo|pronto|ok)|todo (?:listo|confirmado)|all set"
            r"|everything is set) (?:para|pra|for)\b"
        ),
    ),
    ClaimPattern(
        ("booked",),
        (
            r"\b(?:combinado|combinados|fechado|acertado|combinamos|fechamos|quedamos"
            r"|agreed|it's a date|deal|te espero|te esperamos|esperamos voce|espero voce"
            r"|aguardamos voce"
            r"|te aguardamos|nos vemos|te vemos|vejo voce|te vejo|see you|(?:vai|vao|vamos) (?:te )?visitar"
            r"|(?:vai|vao|vamos) ate (?:voce|a sua|sua)|passa ai|te visitam?|te visitamos|te visitara"
            r"|va a visitar(?:te|lo|la)?|visitara|will visit|will come|will be there|will meet you|estara ai"
            r"|estara na sua|looking forward to)\b"
        ),
        needs_moment=True,
    ),
    ClaimPattern(
        ("booked",),
        (
            rf"\b(?:sua|tua|tu|su|your) {MEETING}(?: tecnica)? (?:eh|es|is|sera|will be"
            r"|fica|esta)\b"
        ),
        needs_moment=True,
    ),
    ClaimPattern(("booked",), r"^\W*(?:entao |entonces )?(?:ate|hasta) \S+(?: \S+){0,5}\W?$", needs_moment=True),
]
_MOVED_WORD = (
    r"(?:remarcad|reagendad|alterad|mudad|trocad|adiad|antecipad|reprogramad|cambiad|movid"
    r"|pospuest|adelantad)[oa]s?\b|(?:moved|rescheduled|changed|switched|postponed)\b"
)
_MOVED = [
    ClaimPattern(
        ("moved",),
        (
            r"(?:\b(?:foi|ficou|fica|esta|foram|ja|ya|fue|quedo|queda|sido|is|was|been)"
            rf"|'s) (?:\w+ ){{0,2}}?(?:{_MOVED_WORD})"
        ),
    ),
    ClaimPattern(
        ("moved",),
        (
            r"\b(?:remarquei|reagendei|mudei(?! de)|alterei|troquei|adiei|antecipei"
            r"|passei (?:a )?(?:sua|o seu|seu) (?:visita|reuniao|horario))\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("moved",),
        (
            r"\b(?:remarcamos|reagendamos|mudamos|alteramos|cambiamos|movimos"
            rf"|reprogramamos) {_YOUR}\b|\ba gente (?:ja )?(?:remarcou|mudou|reagendou"
            r"|trocou)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("moved",),
        (
            r"\b(?:acabei de|consegui|acabo de|pude|managed to) (?:remarcar|reagendar"
            r"|mudar|alterar|trocar|cambiar|mover|reprogramar|move|reschedule)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("moved",),
        (
            r"\b(?:reagende\^|cambie\^|movi|reprograme\^|pospuse|adelante\^|pase\^ (?:tu"
            r"|su|la) (?:visita|cita|reunion)|(?:he|hemos) (?:reagendado|cambiado|movido"
            r"|reprogramado))(?!\w)"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(("moved",), rf"{_WE}(?:moved|rescheduled|changed|switched|postponed|pushed)\b", is_past_deed=True),
    ClaimPattern(
        ("moved",),
        (
            rf"^\W*(?:tudo |ja |pronto |listo )?(?:{_MOVED_WORD})|{_GENERIC}\b(?:{MEETING}"
            rf"|time|hora)(?: tecnica)? (?:{_MOVED_WORD})"
        ),
    ),
    ClaimPattern(
        ("moved", "booked"),
        (
            rf"\b{MEETING}(?: tecnica)? (?:agora|ahora|now|passou|paso|ya) ?(?:eh"
            r"|es|is|fica|para|pra|a|esta)?\b"
        ),
        needs_moment=True,
    ),
]
_GONE = r"(?:(?:cancelad|desmarcad|anulad)[oa]s?|cancell?ed|called off)\b"
_CANCELLED = [
    ClaimPattern(
        ("cancelled",),
        (
            r"(?:\b(?:foi|esta|ta|ficou|fica|foram|ja|ya|fue|quedo|queda|sido|is|was"
            rf"|been)|'s) (?:\w+ ){{0,2}}?{_GONE}"
        ),
    ),
    ClaimPattern(
        ("cancelled",),
        (
            r"\b(?:cancelei|desmarquei)\b|\b(?:cancelamos|desmarcamos"
            rf"|anulamos) {_YOUR}\b|\ba gente (?:ja )?(?:cancelou|desmarcou)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("cancelled",),
        (
            r"\b(?:acabei de|consegui|acabo de|pude|managed to) (?:cancelar|desmarcar"
            r"|anular|cancel)\b|\b(?:cancele\^|anule\^|(?:he|hemos) (?:cancelado"
            r"|anulado)\b|se cancelo\b)"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("cancelled",),
        (
            rf"{_WE}(?:cancell?ed|called off)\b|\b(?:tirei|removi|apaguei|exclui"
            rf"|quite\^|elimine\^|removed|deleted|took)(?: \w+){{0,3}}? (?:da|do|de la"
            r"|del|from|off|from the|off the) (?:\w+ )?(?:agenda|calendario"
            r"|calendar)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(("cancelled",), rf"^\W*(?:tudo |ja |pronto |listo )?{_GONE}|{_GENERIC}\b{MEETING}(?: tecnica)? {_GONE}"),
]
_TO_A_PERSON = [
    ClaimPattern(
        ("handed_off",),
        (
            r"\b(?:encaminhei|transferi|repassei|direcionei)\b"
            r"|\bpassei (?!(?:a )?sua (?:visita|reuniao)|(?:o )?(?:seu )?horario"
            r"|a visita)"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("handed_off",),
        (
            r"\b(?:avisei|chamei|notifiquei|acionei|informei|comuniquei|alertei"
            r"|contatei|contactei|falei com|pedi|solicitei|avisamos|acionamos"
            r"|chamamos)(?: \w+){0,4}? PERSON|\bdeixei (?:\w+ ){0,3}?(?:recado"
            r"|mensagem|aviso)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("handed_off",),
        (
            r"\b(?:pase\^|derive\^|reenvie\^)(?! (?:tu|su|la) (?:visita|cita"
            r"|reunion))|\b(?:avise\^|llame\^|notifique\^|informe\^|hable\^ con"
            r"|contacte\^|pedi)(?: \w+){0,4}? PERSON"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("handed_off",),
        (
            r"\b(?:he|hemos) (?:pasado|derivado|transferido|avisado|llamado"
            r"|notificado|contactado)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("handed_off",),
        (
            rf"{_WE}(?:passed|transferred|forwarded|handed)\b|{_WE}(?:notified"
            r"|informed|alerted|told|called|contacted|asked"
            rf"|let)(?: \w+){{0,3}}? PERSON"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("handed_off",),
        (
            r"PERSON(?: \w+){0,4}? (?:foi|foram|esta|estao|fue|sido|been|was|is"
            r"|ja)(?: \w+){0,2}? (?:avisad[oa]s?|notificad[oa]s?|acionad[oa]s?"
            r"|informad[oa]s?|chamad[oa]s?|cientes?|enterad[oa]s?|notified|informed"
            r"|told|alerted|contacted|aware)\b"
        ),
    ),
    ClaimPattern(
        ("handed_off",),
        (
            r"\b(?:conversa|contato|caso|atendimento|pedido|mensagem|solicitacao"
            r"|chat|request|message|conversacion|contacto)(?: \w+){0,2}? (?:foi|esta"
            r"|fue|sido|been|was|is|ja)(?: \w+){0,2}? (?:encaminhad|transferid"
            r"|repassad|passad|derivad|forwarded|passed|transferred|handed|com (?:a"
            r"|o|um|uma) PERSON)\w*"
        ),
    ),
    ClaimPattern(
        ("handed_off",),
        (
            r"PERSON(?:(?! visita)(?! seu)[ ]\w+){0,4}? (?:vai|ira|va a|vao|will|'ll"
            r"|ja vai|segue|assume|sigue)(?: \w+){0,2}? ?(?:continuar|continua"
            r"|seguir|entrar em contato|falar|chamar|ligar|retornar|assumir"
            r"|dar continuidade|continue|contact|call|reach|get back|take over"
            r"|follow|be in touch|message|contactar|escribir|llamar|hablar|comunicar"
            r"|a conversa|com voce|contigo)\w*(?!.*\b(?:na|durante|depois|apos|en la"
            r"|during|at|after) (?:a |da |the )?(?:visita|visit)\b)"
        ),
    ),
    ClaimPattern(
        ("handed_off",),
        (
            r"(?:\b(?:vou|vamos|voy a|vamos a|i will|let me|i'm going to|estou|estoy"
            r"|i am)|i'll|i'm)(?: \w+){0,2}? (?:chamar|chamando|passar|passando"
            r"|encaminhar|encaminhando|transferir|transferindo|transfiriendo|acionar"
            r"|acionando|avisar|avisando|pedir|pedindo|pidiendo|llamar|llamando"
            r"|pasar|pasando|derivar|derivando|transferring|transfer|call|calling"
            r"|get|connect|connecting|pass|passing|forward|hand|handing|ask|asking"
            r"|notify|(?:verificar|checar|confirmar|consultar|conferir) com"
            r"|(?:consultar|verificar|revisar) con|check with"
            r"|checking with)\b(?: \w+){0,5}? PERSON"
        ),
    ),
]
_PAPER = (
    r"(?:confirmac\w+|mensage\w+|mensaje|links?|enlace|convite|invitacion|invite|confirmation|message"
    r"|detalhes|dados|detalles|details|resumo|localizacao)"
)
_OTHERS = [
    ClaimPattern(
        ("link_saved",),
        (
            r"\b(?:salvei|guardei|registrei|atualizei|anexei|guarde\^|registre\^"
            r"|actualice\^|saved|recorded|updated)(?: \w+){0,4}? (?:link|enlace"
            r"|kommo|crm|lead|cadastro|ficha)\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("link_saved",),
        (
            r"\b(?:link|enlace|crm|kommo|lead)(?: \w+){0,3}? (?:foi|esta|ficou|fue"
            r"|quedo|been|was|is) (?:salvo|guardad\w+|registrad\w+|saved|updated"
            r"|atualizad\w+)\b|\blink (?:salvo|saved)\b|\benlace guardado\b"
        ),
    ),
    ClaimPattern(
        ("notified",),
        (
            r"\b(?:enviei|mandei|acabei de (?:te |lhe )?(?:enviar|mandar)|envie\^"
            r"|mande\^|(?:he|hemos) enviado|acabo de (?:enviarte|mandarte"
            rf"|enviar))(?: \w+){{0,5}}? {_PAPER}\b"
            rf"|{_WE}sent(?: \w+){{0,4}}? {_PAPER}\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("notified",),
        (
            rf"\b{_PAPER}(?: \w+){{0,3}}? (?:foi|fue|sido|been|was|is"
            r"|ja) (?:\w+ )?(?:enviad[oa]s?|mandad[oa]s?|sent)\b"
        ),
    ),
    ClaimPattern(
        ("completed",),
        (
            rf"\b{MEETING}(?: \w+){{0,3}}? (?:foi|esta|fue|was|been"
            r"|is) (?:\w+ )?(?:realizad[oa]|concluid[oa]|finalizad[oa]|completad[oa]"
            r"|completed|finished|held|over)\b(?! (?:por|pelo|pela|by|com|with|en"
            r"|em))"
        ),
    ),
    ClaimPattern(
        ("no_show",),
        (
            r"\bvoce (?:nao (?:compareceu|veio|apareceu)|faltou)\b|\bno (?:viniste"
            r"|asististe|te presentaste)\b|\byou (?:missed|did not (?:show|come)"
            r"|didn't (?:show|come)) ?(?:your|the|up|to)?"
        ),
        holds_denial=True,
    ),
    ClaimPattern(
        ("never",),
        (
            r"\b(?:enviei|mandei|envie\^|mande\^|(?:he"
            rf"|hemos) enviado)(?: [\w-]+){{0,6}}? (?:e-?mails?|sms|correo)\b|{_WE}(?:sent"
            rf"|emailed)(?: [\w-]+){{0,6}}? (?:e-?mails?|sms|texts?)\b|{_WE}emailed\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("never",),
        (
            r"\b(?:te|lhe) liguei\b|\bliguei (?:para|pra)\b|\bte llame\^"
            r"|\bi (?:just )?(?:called|phoned|rang) you\b"
        ),
        is_past_deed=True,
    ),
    ClaimPattern(
        ("never",),
        (
            r"\b(?:pagamento|financiamento|credito|desconto|contrato|proposta|pago"
            r"|financiacion|financiamiento|descuento|payment|financing|discount|credit"
            r"|loan)(?: \w+){0,2}? (?:foi|esta|fue|is|was|been"
            r"|ja foi)(?: \w+){0,2}? (?:aprovad|confirmad|aplicad|recebid|enviad|assinad"
            r"|aprobad|recibid|approved|confirmed|applied|received|sent|signed)\w*"
        ),
    ),
    ClaimPattern(
        ("done",),
        (
            r"^\W*(?:feito|hecho|done|tudo resolvido|all set|todo listo)\b(?! (?:para|pra"
            r"|for))|\byou(?:'re| are) all set\b(?! for)"
        ),
    ),
]

PATTERNS = (*_BOOKED, *_MOVED, *_CANCELLED, *_TO_A_PERSON, *_OTHERS)
