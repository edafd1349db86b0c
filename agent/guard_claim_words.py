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


MEETING = r"(?:visita|reuniao|horario|agendamento|encontro|atendimento|compromisso|cita|reunion|turno|slot|visit|meeting|appointment|booking|reserva)"
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
_BE = r"(?:esta|estao|ta|ficou|ficaram|fica|foi|foram|deixei|deixamos|ja|ya|tem|tens|tienes|tiene|tenho|quedo|queda|quedaste|quedas|quedado|fue|fueron|encontra|sido|segue)"
_BE_EN = r"(?:\b(?:is|are|was|were|been|got|have you|it)|'s|'re)"
_GENERIC = r"(?<!com a )(?<!da )(?<!apos a )(?<!de )(?<!da sua )(?<!con la )(?<!sem )(?<!sin )(?<!the )"
_BOOKED = [
    ClaimPattern(("booked",), rf"\b{_BE} (?:\w+ ){{0,3}}?{_SET}"),
    ClaimPattern(("booked",), rf"{_BE_EN} (?:\w+ ){{0,2}}?(?:{_SET_EN}|set for\b|locked in\b|pencill?ed in\b|down for\b)"),
    ClaimPattern(("booked",), rf"{_GENERIC}\b{MEETING}(?: tecnica)? (?:{_SET}|{_SET_EN})"),
    ClaimPattern(("booked",), rf"^\W*(?:(?:tudo|ja|ya|entao|entonces|todo|all|now|pronto|prontinho|perfeito|certo|otimo|listo|perfecto|great|done|ok) )?(?:{_SET}|{_SET_EN})(?! (?:a|o) (?:opcao|visita\?))"),
    ClaimPattern(("booked",), r"\b(?:marquei|agendei|reservei|encaixei|confirmei(?! que)|garanti|separei|bloqueei|programei)\b", is_past_deed=True),
    ClaimPattern(("booked",), rf"\b(?:marcamos|agendamos|reservamos|confirmamos|programamos) {_YOUR}\b|\b(?:te|lhe|ja|ya) (?:marcamos|agendamos|reservamos|confirmamos|programamos|anotamos)\b", is_past_deed=True),
    ClaimPattern(("booked",), r"\b(?:a gente|sistema|equipe|ela|ele|PERSON)(?: \w+)? (?:marcou|agendou|reservou|confirmou (?:a|o|sua|seu))\b", is_past_deed=True),
    ClaimPattern(("booked",), r"\b(?:acabei de|acabamos de|consegui|conseguimos|acabo de|logre\^|pude|managed to) (?:te )?(?:marcar|agendar|reservar|encaixar|confirmar|programar|apartar|book|schedule)\b", is_past_deed=True),
    ClaimPattern(("booked",), r"\b(?:coloquei|inclui|adicionei|inseri|botei|pus|anotei|lancei|registrei|puse|agregue\^|anote\^|put|added)(?: [\w']+){0,4}? (?:na|no|en la|en el|on|in|to|on the|to the) (?:\w+ )?(?:agenda|calendario|calendar|schedule|diary)\b", is_past_deed=True),
    ClaimPattern(("booked",), r"(?:\b(?:esta|ta|is|are|ya|ja|it|quedo)|'s|'re) (?:\w+ )?(?:na|en la|en el|no|on|in) (?:\w+ )?(?:agenda|calendario|calendar|schedule)\b"),
    ClaimPattern(("booked",), rf"\b(?:criei|cree\^|created)(?: \w+){{0,2}}? (?:evento|{MEETING}|event)\b", is_past_deed=True),
    ClaimPattern(("booked",), r"\b(?:agendamento|reserva|marcacao|evento|booking)(?: \w+){0,2}? (?:feit|realizad|concluid|efetuad|criad|confirmad|registrad|hech|cread|complete|made)\w*"),
    ClaimPattern(("booked",), r"\b(?:agende\^|reserve\^|confirme\^|programe\^|aparte\^|marque\^)", is_past_deed=True),
    ClaimPattern(("booked",), r"\b(?:he|hemos|se ha) (?:agendado|reservado|confirmado|programado|apartado|marcado)\b|\bse (?:agendo|reservo|confirmo|programo)\b", is_past_deed=True),
    ClaimPattern(("booked",), rf"{_WE}(?:{_SET_EN}|set up|locked in|pencill?ed|got you|put you down)", is_past_deed=True),
    ClaimPattern(("booked",), r"\b(?:you're|you are|we're|we are|all) (?:all )?(?:set for|in for|down for|good to go|on for)\b|\bset for (?:\w+day|tomorrow|today)"),
    ClaimPattern(("booked",), r"\b(?:tudo (?:certo|pronto|ok)|todo (?:listo|confirmado)|all set|everything is set) (?:para|pra|for)\b"),
    ClaimPattern(("booked",), r"\b(?:combinado|combinados|fechado|acertado|combinamos|fechamos|quedamos|agreed|it's a date|deal|te espero|te esperamos|esperamos voce|espero voce|aguardamos voce"
        r"|te aguardamos|nos vemos|te vemos|vejo voce|te vejo|see you|(?:vai|vao|vamos) (?:te )?visitar|(?:vai|vao|vamos) ate (?:voce|a sua|sua)|passa ai|te visitam?|te visitamos|te visitara"
        r"|va a visitar(?:te|lo|la)?|visitara|will visit|will come|will be there|will meet you|estara ai|estara na sua|looking forward to)\b", needs_moment=True),
    ClaimPattern(("booked",), rf"\b(?:sua|tua|tu|su|your) {MEETING}(?: tecnica)? (?:eh|es|is|sera|will be|fica|esta)\b", needs_moment=True),
    ClaimPattern(("booked",), r"^\W*(?:entao |entonces )?(?:ate|hasta) \S+(?: \S+){0,5}\W?$", needs_moment=True),
]  # fmt: skip
_MOVED_WORD = r"(?:remarcad|reagendad|alterad|mudad|trocad|adiad|antecipad|reprogramad|cambiad|movid|pospuest|adelantad)[oa]s?\b|(?:moved|rescheduled|changed|switched|postponed)\b"
_MOVED = [
    ClaimPattern(("moved",), rf"(?:\b(?:foi|ficou|fica|esta|foram|ja|ya|fue|quedo|queda|sido|is|was|been)|'s) (?:\w+ ){{0,2}}?(?:{_MOVED_WORD})"),
    ClaimPattern(("moved",), r"\b(?:remarquei|reagendei|mudei(?! de)|alterei|troquei|adiei|antecipei|passei (?:a )?(?:sua|o seu|seu) (?:visita|reuniao|horario))\b", is_past_deed=True),
    ClaimPattern(("moved",), rf"\b(?:remarcamos|reagendamos|mudamos|alteramos|cambiamos|movimos|reprogramamos) {_YOUR}\b|\ba gente (?:ja )?(?:remarcou|mudou|reagendou|trocou)\b", is_past_deed=True),
    ClaimPattern(("moved",), r"\b(?:acabei de|consegui|acabo de|pude|managed to) (?:remarcar|reagendar|mudar|alterar|trocar|cambiar|mover|reprogramar|move|reschedule)\b", is_past_deed=True),
    ClaimPattern(("moved",), r"\b(?:reagende\^|cambie\^|movi|reprograme\^|pospuse|adelante\^|pase\^ (?:tu|su|la) (?:visita|cita|reunion)|(?:he|hemos) (?:reagendado|cambiado|movido|reprogramado))(?!\w)", is_past_deed=True),
    ClaimPattern(("moved",), rf"{_WE}(?:moved|rescheduled|changed|switched|postponed|pushed)\b", is_past_deed=True),
    ClaimPattern(("moved",), rf"^\W*(?:tudo |ja |pronto |listo )?(?:{_MOVED_WORD})|{_GENERIC}\b(?:{MEETING}|time|hora)(?: tecnica)? (?:{_MOVED_WORD})"),
    ClaimPattern(("moved", "booked"), rf"\b{MEETING}(?: tecnica)? (?:agora|ahora|now|passou|paso|ya) ?(?:eh|es|is|fica|para|pra|a|esta)?\b", needs_moment=True),
]  # fmt: skip
_GONE = r"(?:(?:cancelad|desmarcad|anulad)[oa]s?|cancell?ed|called off)\b"
_CANCELLED = [
    ClaimPattern(("cancelled",), rf"(?:\b(?:foi|esta|ta|ficou|fica|foram|ja|ya|fue|quedo|queda|sido|is|was|been)|'s) (?:\w+ ){{0,2}}?{_GONE}"),
    ClaimPattern(("cancelled",), rf"\b(?:cancelei|desmarquei)\b|\b(?:cancelamos|desmarcamos|anulamos) {_YOUR}\b|\ba gente (?:ja )?(?:cancelou|desmarcou)\b", is_past_deed=True),
    ClaimPattern(("cancelled",), r"\b(?:acabei de|consegui|acabo de|pude|managed to) (?:cancelar|desmarcar|anular|cancel)\b|\b(?:cancele\^|anule\^|(?:he|hemos) (?:cancelado|anulado)\b|se cancelo\b)", is_past_deed=True),
    ClaimPattern(("cancelled",), rf"{_WE}(?:cancell?ed|called off)\b|\b(?:tirei|removi|apaguei|exclui|quite\^|elimine\^|removed|deleted|took)(?: \w+){{0,3}}? (?:da|do|de la|del|from|off|from the|off the) (?:\w+ )?(?:agenda|calendario|calendar)\b", is_past_deed=True),
    ClaimPattern(("cancelled",), rf"^\W*(?:tudo |ja |pronto |listo )?{_GONE}|{_GENERIC}\b{MEETING}(?: tecnica)? {_GONE}"),
]  # fmt: skip
_TO_A_PERSON = [
    ClaimPattern(("handed_off",), r"\b(?:encaminhei|transferi|repassei|direcionei)\b|\bpassei (?!(?:a )?sua (?:visita|reuniao)|(?:o )?(?:seu )?horario|a visita)", is_past_deed=True),
    ClaimPattern(("handed_off",), r"\b(?:avisei|chamei|notifiquei|acionei|informei|comuniquei|alertei|contatei|contactei|falei com|pedi|solicitei|avisamos|acionamos|chamamos)(?: \w+){0,4}? PERSON|\bdeixei (?:\w+ ){0,3}?(?:recado|mensagem|aviso)\b", is_past_deed=True),
    ClaimPattern(("handed_off",), r"\b(?:pase\^|derive\^|reenvie\^)(?! (?:tu|su|la) (?:visita|cita|reunion))|\b(?:avise\^|llame\^|notifique\^|informe\^|hable\^ con|contacte\^|pedi)(?: \w+){0,4}? PERSON", is_past_deed=True),
    ClaimPattern(("handed_off",), r"\b(?:he|hemos) (?:pasado|derivado|transferido|avisado|llamado|notificado|contactado)\b", is_past_deed=True),
    ClaimPattern(("handed_off",), rf"{_WE}(?:passed|transferred|forwarded|handed)\b|{_WE}(?:notified|informed|alerted|told|called|contacted|asked|let)(?: \w+){{0,3}}? PERSON", is_past_deed=True),
    ClaimPattern(("handed_off",), r"PERSON(?: \w+){0,4}? (?:foi|foram|esta|estao|fue|sido|been|was|is|ja)(?: \w+){0,2}? (?:avisad[oa]s?|notificad[oa]s?|acionad[oa]s?|informad[oa]s?|chamad[oa]s?|cientes?|enterad[oa]s?|notified|informed|told|alerted|contacted|aware)\b"),
    ClaimPattern(("handed_off",), r"\b(?:conversa|contato|caso|atendimento|pedido|mensagem|solicitacao|chat|request|message|conversacion|contacto)(?: \w+){0,2}? (?:foi|esta|fue|sido|been|was|is|ja)(?: \w+){0,2}? (?:encaminhad|transferid|repassad|passad|derivad|forwarded|passed|transferred|handed|com (?:a|o|um|uma) PERSON)\w*"),
    ClaimPattern(("handed_off",), r"PERSON(?:(?! visita)(?! seu)[ ]\w+){0,4}? (?:vai|ira|va a|vao|will|'ll|ja vai|segue|assume|sigue)(?: \w+){0,2}? ?(?:continuar|continua|seguir|entrar em contato|falar|chamar|ligar|retornar|assumir|dar continuidade|continue|contact|call|reach|get back|take over|follow|be in touch|message|contactar|escribir|llamar|hablar|comunicar|a conversa|com voce|contigo)\w*(?!.*\b(?:na|durante|depois|apos|en la|during|at|after) (?:a |da |the )?(?:visita|visit)\b)"),
    ClaimPattern(("handed_off",), r"(?:\b(?:vou|vamos|voy a|vamos a|i will|let me|i'm going to|estou|estoy|i am)|i'll|i'm)(?: \w+){0,2}? (?:chamar|chamando|passar|passando|encaminhar|encaminhando|transferir|transferindo|transfiriendo|acionar|acionando|avisar|avisando|pedir|pedindo|pidiendo|llamar|llamando|pasar|pasando|derivar|derivando|transferring|transfer|call|calling|get|connect|connecting|pass|passing|forward|hand|handing|ask|asking|notify|(?:verificar|checar|confirmar|consultar|conferir) com|(?:consultar|verificar|revisar) con|check with|checking with)\b(?: \w+){0,5}? PERSON"),
]  # fmt: skip
_PAPER = r"(?:confirmac\w+|mensage\w+|mensaje|links?|enlace|convite|invitacion|invite|confirmation|message|detalhes|dados|detalles|details|resumo|localizacao)"
_OTHERS = [
    ClaimPattern(("link_saved",), r"\b(?:salvei|guardei|registrei|atualizei|anexei|guarde\^|registre\^|actualice\^|saved|recorded|updated)(?: \w+){0,4}? (?:link|enlace|kommo|crm|lead|cadastro|ficha)\b", is_past_deed=True),
    ClaimPattern(("link_saved",), r"\b(?:link|enlace|crm|kommo|lead)(?: \w+){0,3}? (?:foi|esta|ficou|fue|quedo|been|was|is) (?:salvo|guardad\w+|registrad\w+|saved|updated|atualizad\w+)\b|\blink (?:salvo|saved)\b|\benlace guardado\b"),
    ClaimPattern(("notified",), rf"\b(?:enviei|mandei|acabei de (?:te |lhe )?(?:enviar|mandar)|envie\^|mande\^|(?:he|hemos) enviado|acabo de (?:enviarte|mandarte|enviar))(?: \w+){{0,5}}? {_PAPER}\b|{_WE}sent(?: \w+){{0,4}}? {_PAPER}\b", is_past_deed=True),
    ClaimPattern(("notified",), rf"\b{_PAPER}(?: \w+){{0,3}}? (?:foi|fue|sido|been|was|is|ja) (?:\w+ )?(?:enviad[oa]s?|mandad[oa]s?|sent)\b"),
    ClaimPattern(("completed",), rf"\b{MEETING}(?: \w+){{0,3}}? (?:foi|esta|fue|was|been|is) (?:\w+ )?(?:realizad[oa]|concluid[oa]|finalizad[oa]|completad[oa]|completed|finished|held|over)\b(?! (?:por|pelo|pela|by|com|with|en|em))"),
    ClaimPattern(("no_show",), r"\bvoce (?:nao (?:compareceu|veio|apareceu)|faltou)\b|\bno (?:viniste|asististe|te presentaste)\b|\byou (?:missed|did not (?:show|come)|didn't (?:show|come)) ?(?:your|the|up|to)?", holds_denial=True),
    ClaimPattern(("never",), rf"\b(?:enviei|mandei|envie\^|mande\^|(?:he|hemos) enviado)(?: [\w-]+){{0,6}}? (?:e-?mails?|sms|correo)\b|{_WE}(?:sent|emailed)(?: [\w-]+){{0,6}}? (?:e-?mails?|sms|texts?)\b|{_WE}emailed\b", is_past_deed=True),
    ClaimPattern(("never",), r"\b(?:te|lhe) liguei\b|\bliguei (?:para|pra)\b|\bte llame\^|\bi (?:just )?(?:called|phoned|rang) you\b", is_past_deed=True),
    ClaimPattern(("never",), r"\b(?:pagamento|financiamento|credito|desconto|contrato|proposta|pago|financiacion|financiamiento|descuento|payment|financing|discount|credit|loan)(?: \w+){0,2}? (?:foi|esta|fue|is|was|been|ja foi)(?: \w+){0,2}? (?:aprovad|confirmad|aplicad|recebid|enviad|assinad|aprobad|recibid|approved|confirmed|applied|received|sent|signed)\w*"),
    ClaimPattern(("done",), r"^\W*(?:feito|hecho|done|tudo resolvido|all set|todo listo)\b(?! (?:para|pra|for))|\byou(?:'re| are) all set\b(?! for)"),
]  # fmt: skip

PATTERNS = (*_BOOKED, *_MOVED, *_CANCELLED, *_TO_A_PERSON, *_OTHERS)
