"""The words that claim further deeds: link saved, message sent, meeting held, and what no tool can do or know."""

from agent.guard_claim_words import ENDING, MEETING, WE, ClaimPattern

_PAPER = (
    r"(?:confirmac\w+|mensage\w+|mensaje|links?|enlace|convite|invitacion|invite|invitation|confirmation|message|detalhes"
    r"|dados|detalles|details|resumo|localizacao)"
)
_MAIL = r"(?:e-?mails?|sms|correos?|inbox|caixa de entrada|bandeja de entrada)"
_LINK = (
    ClaimPattern(
        ("link_saved",),
        r"\b(?:salvei|guardei|registrei|atualizei|anexei|guarde\^|registre\^|actualice\^|saved|recorded"
        r"|updated)(?: \w+){0,4}? (?:link|enlace|kommo|crm|lead|cadastro|ficha)\b",
        is_past_deed=True,
    ),
    ClaimPattern(
        ("link_saved",),
        r"\b(?:link|enlace|crm|kommo|lead)(?: \w+){0,3}? (?:foi|esta|ficou|fue|quedo|been|was|is) (?:\w+ )?(?:salvo"
        r"|guardad\w+|registrad\w+|saved|updated|atualizad\w+)\b|\blink (?:salvo|saved)\b|\b(?:enlace|link) guardado\b",
    ),
)
_NOTIFIED = (
    ClaimPattern(
        ("notified",),
        r"\b(?:enviei|mandei|enviamos|mandamos|acabei de (?:te |lhe )?(?:enviar|mandar)|envie\^|mande\^|(?:he"
        r"|hemos) enviado|acabo de"
        rf" (?:enviarte|mandarte|enviar))(?: \w+){{0,5}}? {_PAPER}\b|{WE}sent(?: \w+){{0,4}}? {_PAPER}\b",
        is_past_deed=True,
    ),
    ClaimPattern(
        ("notified",),
        rf"\b{_PAPER}(?: \w+){{0,3}}? (?:foi|fue|sido|been|was|is|ja) (?:\w+ )?(?:enviad[oa]s?|mandad[oa]s?|sent)\b",
    ),
    # The confirmation follows a booking by itself.
    ClaimPattern(
        ("notified", "booked"),
        r"\b(?:confirmacao|confirmacion|confirmation)(?: \w+){0,4}? (?:chegou|chega|saiu|sai|vai chegar|llega|llego"
        r"|va a llegar|arrived|is on its way|is coming|a caminho)\b|\b(?:acabou de (?:sair|chegar)) (?:a )?confirmacao\b"
        r"|\b(?:segue|aqui esta|aqui vai|here is|here's|aqui tienes|aguarde|espere|espera|wait for|await|(?:te"
        r"|lhe) (?:mando|envio|mandarei|enviarei|mandamos|enviamos|enviaremos|mandaremos)|enviaremos"
        r"|mandaremos)(?: \w+){0,3}? (?:confirmacao|confirmacion|confirmation)\b|\b(?:vai receber|recebera|(?:voce"
        r"|vc) (?:ja )?recebe|vas a recibir|recibiras|will receive|'ll receive|will get"
        r"|'ll get)(?: \w+){0,2}? (?:confirmac\w+|confirmation)\b",
    ),
)
_PAST = (
    ClaimPattern(
        ("completed",),
        rf"\b{MEETING}(?: \w+){{0,3}}? (?:foi|esta|fue|was|been|is) (?:\w+ )?(?:realizad[oa]|concluid[oa]|finalizad[oa]"
        r"|completad[oa]|completed|finished|held|over)\b(?! (?:por|pelo|pela|by|com|with|en|em))",
    ),
    ClaimPattern(
        ("no_show",),
        r"\bvoce (?:nao (?:compareceu|veio|apareceu|estava)|faltou)\b|\bno (?:viniste|asististe|te presentaste)\b"
        r"|\byou (?:missed|did not (?:show|come)|didn't (?:show|come)) ?(?:your|the|up|to)?",
        holds_denial=True,
    ),
)
_NEVER = (
    ClaimPattern(
        ("never",),
        rf"\b(?:enviei|mandei|envie\^|mande\^|(?:he|hemos) enviado)(?: [\w-]+){{0,6}}? {_MAIL}\b|{WE}(?:sent"
        rf"|emailed)(?: [\w-]+){{0,6}}? (?:{_MAIL}|texts?)\b|{WE}emailed\b",
        is_past_deed=True,
    ),
    # A mail that is there, under way or promised.
    ClaimPattern(
        ("never",),
        r"\b(?:no|em|en|on|to|in|check|olh[ae]|ve|vea|confir[ae]|revis[ae]|veja) (?:o |a |el |tu |su |la )?(?:seu |sua |your )"
        rf"?{_MAIL}\b|\b(?:por|via|by|llega\w*|receb\w+|recib\w+|get|receive|envi\w+|mand\w+|send\w*"
        rf"|chega\w*)(?: [\w-]+){{0,3}}? {_MAIL}\b"
        r"|\b(?:convite|invitacion|invite|invitation)(?: \w+){0,4}? (?:foi|fue|ja|ya|esta|was|been|is|has|llego|chegou)\b"
        r"|\b(?:receb\w+|recib\w+|get|receive|mand\w+|envi\w+|send\w*)(?: \w+){0,3}? (?:convite|invitacion|invite"
        r"|invitation)\b|\b(?:segue|seguem|aqui esta|aqui vai|here is|here's|aqui tienes|em anexo"
        r"|attached)(?: \w+){0,3}? (?:comprovante|comprobante|boleto|contrato|proposta|propuesta|orcamento|presupuesto"
        r"|protocolo|convite|invitacion|receipt|invite|contract|quote)\b|\b(?:recebi|recibi|received"
        r"|got)(?: \w+){0,2}? (?:pagamento|sinal|pix|pago|transferencia|payment|deposit)\b",
    ),
    ClaimPattern(
        ("never",),
        r"\b(?:te|lhe) liguei\b|\bliguei (?:para|pra)\b|\bte llame\^|\bi (?:just )?(?:called|phoned|rang) you\b",
        is_past_deed=True,
    ),
    ClaimPattern(
        ("never",),
        r"\b(?:confirmacao|confirmacion|confirmation|protocolo|codigo|ticket|booking|reserva)(?: (?:no?|n[oº.]|number"
        r"|numero|code|de \w+))* ?[:#]? ?#?\d{2,}",
    ),
    ClaimPattern(("never",), rf"^\W*(?:{_MAIL}|mail) (?:sent|enviad[oa]|mandad[oa]|disparad[oa])\b"),
    # Nobody tells us what a seller says.
    ClaimPattern(
        ("never",),
        r"PERSON (?:ja |acabou de |me |ya |has |just )?(?:disse|falou|confirmou|aceitou|garantiu|autorizou|liberou|topou"
        r"|aprovou|concordou|dijo|confirmo|acepto|autorizo|said|confirmed|agreed|approved|accepted|told me)\b",
        is_past_deed=True,
    ),
    # Nobody's way is known, nor how a seller is.
    ClaimPattern(
        ("never",),
        r"PERSON(?: (?:ja|ya|se|acabou|vai|va a|pode))* (?:atras(?:ou|ar|ada|ado|o\^|ara)|demor(?:ou|ar|o\^|ara)|retras\w+)\b"
        r"|PERSON (?:ja |ya )?(?:esta|ta|estava|anda|is|was|has been)(?: (?:um pouco|um pouquinho|bem|un poco|a bit"
        r"|running|off))* (?:atrasad[oa]|retrasad[oa]|de ferias|de vacaciones|doente|enferm[oa]|late|sick|ill"
        r"|on (?:holiday|vacation|leave))\b",
    ),
    ClaimPattern(
        ("never",),
        r"\b(?:a caminho|en camino|on (?:his|her|the|their|its) way|indo ate ai|saindo (?:agora|daqui)|saiu (?:agora|daqui)"
        r"|chegando ai|quase ai|almost there|ya salio|va para alla|en route)\b",
    ),
    ClaimPattern(
        ("never",),
        r"\b(?:pagamento|financiamento|credito|desconto|contrato|proposta|orcamento|cadastro|pago|financiacion"
        r"|financiamiento|descuento|presupuesto|payment|financing|discount|credit|loan|quote|proposal"
        r"|contract)(?: \w+){0,2}? (?:foi|esta|fue|is|was|been|ja foi|ja|ya|ja esta|has been"
        r"|saiu)(?: \w+){0,2}? ?(?:pre[- ]?)?(?:aprovad|confirmad|aplicad|recebid|enviad|assinad|liberad|garantid|aprobad"
        r"|recibid|enviad|firmad|approved|confirmed|applied|received|sent|signed|guaranteed)\w*|\b(?:pagamento"
        r"|financiamento|credito|desconto|payment|financing|discount|descuento|credit) (?:aprovad|liberad|garantid|aplicad"
        rf"|aprobad){ENDING}|\b(?:consegui|liberei|apliquei|aprovei|aplique\^|consegui)(?: \w+){{0,3}}? (?:desconto|descuento"
        r"|financiamento|credito|discount)\b",
    ),
)
_REMINDED = (
    ClaimPattern(
        ("reminds",),
        r"\b(?:vou te lembrar|te lembro|te lembrarei|te lembramos|lembramos voce|vamos te lembrar|te recuerdo"
        r"|te recordare\^?|te recordare|te recordaremos|te recordamos|voy a recordarte|te vamos a recordar|i'll remind"
        r"|i will remind|we'll remind|we will remind)\b|\b(?:te|lhe|we|i|a gente|vamos|vou|we'll|i'll|you'll|voce (?!pode"
        r"|consegue|quiser|precisar))\b(?! pode)(?:(?! cancel| remarc| resched| mud)[ ]\w+){0,6} (?:na vespera|um dia antes"
        r"|no dia anterior|the day before|la vispera|el dia antes|un dia antes|el dia anterior|horas? antes)\b"
        r"|^\W*(?:na vespera|um dia antes|la vispera|un dia antes|the day before)\b(?! voce)|\b(?:mand\w+|envi\w+|receb\w+"
        r"|recib\w+|llega\w*|chega\w*|send\w*|get|getting|receive|programei|deixei|coloquei"
        r"|set)(?: [\w']+){0,4}? (?:lembrete|lembretinho|recordatorio|reminder)\b",
    ),
)
OTHERS = (*_LINK, *_NOTIFIED, *_PAST, *_NEVER, *_REMINDED)
