"""Claims known by their form instead of their meaning: "providenciei", "tramité", "I've arranged", "sua visita está de pé".

Talking, looking and writing down need no record; whatever else the agent says it did or will do must stand in one.
"""

from agent.guard_claim_words import MEETING, ClaimPattern
from agent.moments_words import one_of

# Any of them may be the deed that is meant.
_ANY_DEED = ("done", "link_saved", "notified", "reminds")

_TALK_PT = """
anotei registrei passei mandei enviei separei deixei fiquei gostei adorei amei pensei achei encontrei verifiquei chequei
consultei olhei busquei procurei localizei notei observei falei comentei mencionei expliquei perguntei mostrei listei citei
indiquei apresentei comecei continuei errei confundi enganei equivoquei demorei cheguei voltei entrei tentei esperei aguardei
imaginei lembrei calculei contei analisei avaliei considerei usei escutei copiei juntei repassei recomendei preparei montei
organizei selecionei filtrei peguei precisei preocupei alegrei desculpei expressei enfim hei lei rei sei serei estarei terei
ficarei farei direi poderei saberei verificarei checarei consultarei responderei mostrarei explicarei perguntarei volei frei
nei sidnei claudinei vanderlei wanderlei sirlei shirlei valdinei ednei rudinei dirlei darlei arlei adinei
"""
_TALK_ES = """
anote registre note revise consulte verifique mire busque encontre pregunte explique mostre mencione comente hable pense
intente trate olvide equivoque espere escuche llegue pase mande envie separe quede use conte liste prepare arme ordene
seleccione recomende empece continue calcule analice considere sere estare tendre podre dire hare vere sabre revisare
consultare verificare respondere mostrare explicare preguntare cafe porque jose bebe andre rene chale pure tome noe
"""
_TALK_EN = """
noted checked looked asked answered mentioned listed showed shared explained offered suggested tried wanted hoped wondered
liked loved enjoyed missed skipped confused mixed assumed guessed noticed realized realised remembered learned received typed
repeated copied summarized summarised pulled narrowed prepared gathered limited dedicated detailed need indeed talked based
worked started used stopped recorded understated misunderstood expected called searched reviewed verified apologized agreed
been feed speed red bed
"""

_THE = r"a|o|sua|seu|tua|tu|su|la|el|the|your|essa|esse|esta|este|nossa|nosso"
_BUSINESS = (
    r"(?:projeto|solicitacao(?: de \w+)?|pedido|chamado|ticket|instalacao|pagamento|sinal|desconto|credito|financiamento"
    r"|cadastro|proposta|contrato|orcamento|kit|entrega|compra|proyecto|instalacion|pago|descuento|financiacion|presupuesto"
    r"|contrato|propuesta|project|installation|payment|deposit|discount|loan|financing|quote|proposal|contract|order"
    r"|delivery)"
)
_IS_OR_HAS = (
    r" (?:foi|ficou|fica para|esta|ta|ja|ya|caiu|saiu|entrou|comecou|chegou|segue|sigue|continua|permanece|has|was|got"
    r"|stands|went|fue|quedo|queda|entro|salio|llego|empezo|acaba|acabou|consta|fell|came)\b"
)
_NOT_SO = (
    r"(?! ?(?:\w+ ){0,3}(?:not|nao|no|never|nunca|yet|livre|disponive\w+|ocupad\w+|vag[oa]|chei[oa]|lotad\w+|indispon\w+"
    r"|free|available|taken|open|full|libre|disponible|passou|inclu\w+|included)\b|n't)"
)
_LOOKING = """
verificando checando conferindo consultando vendo olhando buscando procurando confirmando falando perguntando entendendo
tentando ajudando digitando pensando esperando aguardando lendo anotando registrando torcendo querendo sendo tendo ficando
fazendo revisando mirando intentando escribiendo escuchando leyendo siendo teniendo haciendo checking looking confirming
seeing trying asking having going reading writing typing waiting hoping wondering thinking getting being doing afraid sorry
missing talking
"""
_ALL_IS = (
    r"\b(?:tudo|todo|esta|ta|estamos|everything(?:'s| is)|it's|that's|you're|you are|all)(?: ja| ya| esta| ta| foi| mais que| bem"
    r"| fue| quedo| already| all)?"
)
_NOT_AT = r"(?! (?:na|no|en|at|by|pelo|pela|con|com|durante)\b)"

DEEDS = (
    # Without a meeting there is nothing that could be said of it: neither "sua visita está de pé" nor "the appointment stands".
    ClaimPattern(
        ("booked", "moved", "cancelled", "completed", "no_show"),
        rf"\b(?:{_THE})(?: proxima| next| \w+day)? {MEETING}(?: tecnica)?(?:{_IS_OR_HAS}|'s | (?:vai|tem|conta|is|va|tiene|starts"
        r"|comeca|acontece\w*) )"
        rf"{_NOT_SO}",
        unless_after=r"(?:horario|hora|depois|apos|antes|durante|na|da|com|em|de|en|after|before|during|at|for|para|pra)",
    ),
    ClaimPattern(
        ("booked",),
        rf"\b(?:{_THE}) {MEETING}(?: tecnica)? (?:ainda |todavia |still )?(?:segue|sigue|continua|permanece|stands|is still"
        rf"|esta de pe)\b{_NOT_SO}",
    ),
    # Nor does any tool tell how a project, a payment or a proposal stands.
    ClaimPattern(("never",), rf"\b(?:{_THE}) {_BUSINESS}(?: (?!nao|no\b|not)\S+){{0,3}}?{_IS_OR_HAS}{_NOT_SO}"),
    ClaimPattern(
        _ANY_DEED, rf"\b(?!(?:{one_of(_TALK_PT.split())})\b)[a-z]{{2,}}(?<![aei]r)ei\b", is_past_deed=True, is_of_the_meeting=True
    ),
    ClaimPattern(_ANY_DEED, rf"\b(?!(?:{one_of(_TALK_PT.split())})\b)[a-z]{{2,}}[aei]rei\b"),
    ClaimPattern(
        _ANY_DEED, rf"\b(?!(?:{one_of(_TALK_ES.split())})\^)[a-z]{{3,}}(?<![aei]r)e\^", is_past_deed=True, is_of_the_meeting=True
    ),
    ClaimPattern(_ANY_DEED, rf"\b(?!(?:{one_of(_TALK_ES.split())})\^)[a-z]{{3,}}[aei]re\^"),
    ClaimPattern(
        _ANY_DEED,
        r"\b(?:i|we|i've|we've|i have|we have)(?: (?:also|already|just|now|gone ahead and|went ahead and|quickly))*"
        rf" (?:(?!(?:{one_of(_TALK_EN.split())})\b)[a-z]{{2,}}ed|made(?! (?:a|an) (?:mistake|error|list|note))"
        r"|took(?! a look)|taken care|done)\b",
        is_past_deed=True,
        is_of_the_meeting=True,
    ),
    ClaimPattern(
        _ANY_DEED,
        rf"{_ALL_IS} (?:(?:resolvid|encaminhad|providenciad|resuelt)\w*|taken care of|handled)\b{_NOT_AT}",
    ),
    # Of an agreement it may be said as long as the meeting stands.
    ClaimPattern(
        (*_ANY_DEED, "booked"),
        rf"{_ALL_IS} (?:(?:acertad|ajeitad|certos|combinad|arreglad|organizad)\w*|sorted|arranged)\b{_NOT_AT}",
    ),
    ClaimPattern(_ANY_DEED, r"\b(?:queda|quedo|esta|ya|ja|ficou|foi) (?:hech|feit|list)[oa]s? (?:el|la|o|a|tu|sua|seu) \w+"),
    # "Encaminhamento feito": any noun that is done.
    ClaimPattern(
        _ANY_DEED, r"^\W*(?!conta|pergunta|cuenta|pregunta)[a-z]{4,} (?:feit|realizad|concluid|efetuad|hech|completad)[oa]s?\b"
    ),
    # What is being done while the reply is read: nothing is, the tools have run.
    ClaimPattern(
        _ANY_DEED,
        r"\b(?:estou|tou|estoy|i'm|i am|we're|we are)(?: ja| ya| te| just| now"
        rf"| aqui)* (?!(?:{one_of(_LOOKING.split())})\b)(?:[a-z]{{3,}}(?:ando|endo|indo)"
        r"|(?!(?:everything|something|nothing|morning|evening)\b)[a-z]{3,}ing)\b",
    ),
    ClaimPattern(
        _ANY_DEED,
        r"\b(?:desfiz|refiz|fiz (?:a |o |sua |seu |tudo)|dei (?:entrada|baixa|andamento|sequencia|um jeito|ok)|hice (?:la "
        r"|el |tu |todo)|deshice|di (?:curso|de alta))",
        is_past_deed=True,
    ),
    # Nobody tells us what a seller has done.
    ClaimPattern(
        ("handed_off", "completed", "no_show"),
        r"PERSON(?: \w+)?? (?:ja|ya|has|have|already|acabou de|acaba de) (?!pode|poderia|quer|prefere)\w+",
    ),
    # Soon, but after this reply, when no tool runs.
    ClaimPattern(
        ("will",),
        r"\b(?:vou|vamos|voy a|vamos a|i'll|i will|we'll|i'm going to|deixa que eu|deixa comigo que eu)(?: \w+)?? (?:te "
        r"|lhe |ja |ya )?(?:providenci|resolv|encaminh|acion|transfer|remarc|reagend|cancel|desmarc|marc|agend|reserv"
        r"|garant|liber|bloque|adiant|tramit|gestion|book|schedul|arrang|handle|take care|set (?:it|that) up|sort)(?:ar|er"
        r"|ir|arte|arlo|arla|e|ing)?\b",
    ),
    ClaimPattern(
        _ANY_DEED,
        r"\b(?:subi|inseri|conclui|resolvi(?! sua duvida)|garanti|assumi|cumpri|procedi|prossegui|remeti|defini|emiti"
        r"|transmiti)\b|\b(?:inclui|exclui|conclui)\^",
        is_past_deed=True,
        is_of_the_meeting=True,
    ),
)
