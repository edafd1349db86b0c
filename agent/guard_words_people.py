"""The words that claim or promise that a person was called, in Portuguese, Spanish and English."""

from agent.guard_claim_words import TO_A_TIME, WE, ClaimPattern


def _called(words: str, *, deed: bool = False, unless_after: str = "") -> ClaimPattern:
    return ClaimPattern(("handed_off",), words, is_past_deed=deed, unless_after=unless_after)


# Times, options and facts are passed on to the customer, not the customer to a person: "já te passei os horários".
_TO_YOU = (
    r"(?! (?:a |o |os |as |la |el |los |las |sua |tu |su |todos? os |todas? as |uns |algun[oa]s )?(?:seu "
    r"|sua )?(?:\w+ )?(?:visita|reuniao|reunion|cita|horarios?|opc\w+|informac\w+|dados|datos|dias?|datas|valores|detalhes"
    r"|detalles|link|enlace|endereco|direccion|condicoes|fatos)\b(?!.{0,20} PERSON))"
)
# What a person does in the meeting is no promise to call: "o vendedor responde na visita".
_NOT_AT_THE_VISIT = r"(?!.*\b(?:na|durante|depois|apos|en|despues|during|at|after)(?: (?:a|da|the|de|la))* (?:visita|visit)\b)"
_IN_TOUCH = (
    r"(?:continuar?|continua|segue|seguir|entrar?a? em contato|falar?a?|chamar?a?|ligar?a?|retornar?a?|respondera?"
    r"|assumir?a?|dar(?:a)? continuidade|contatar?a?|procurar?a?|continue|contact|call|give you|ring|take it|take this"
    r"|handle|help you|reach|get back|take over|follow|be in touch|message|text|contactar|escribir|llamar|hablar|comunicar"
    r"|atender|a conversa|com voce|contigo|with you)"
)
_SOON = (
    r"(?:em breve|ja ja|ja|logo|logo mais|em instantes|em seguida|daqui a pouco|agora|agora mesmo|jajá|jaja|ya|en breve"
    r"|pronto|enseguida|en un momento|ahora|ahorita|shortly|soon|right away|in a moment|any minute)"
)
PEOPLE = (
    _called(
        r"\b(?:encaminhei|transferi(?! (?:a )?sua visita)|repassei|direcionei|escalei|sinalizei)\b"
        rf"|\bpassei{_TO_YOU}(?! (?:ela |ele )?(?:para|pra|pro) (?:a |o )?{TO_A_TIME})",
        deed=True,
    ),
    _called(
        r"\b(?:avisei|chamei|notifiquei|acionei|informei|comuniquei|alertei|contatei|contactei|falei com|conversei com|pedi"
        r"|solicitei|avisamos|acionamos|chamamos|mandei)(?: \w+){0,4}? PERSON|\bdeixei (?:\w+ ){0,3}?(?:recado|mensagem"
        r"|aviso)\b|(?<!te )\b(?:avisei|notifiquei|acionei|avise\^)(?= (?:que (?:voce|vc|tu)|aqui|la|sobre voce|do seu"
        r"|de ti)|\W*$)",
        deed=True,
    ),
    _called(
        rf"\b(?:pase\^|derive\^|reenvie\^){_TO_YOU}|\b(?:avise\^|llame\^|notifique\^|informe\^|hable\^ con|contacte\^|mande\^"
        r"|pedi|dije|comente\^|escribi)(?: \w+){0,4}? PERSON",
        deed=True,
    ),
    _called(r"\b(?:he|hemos) (?:derivado|transferido|avisado|llamado|notificado|contactado)\b", deed=True),
    _called(rf"\b(?:he|hemos) pasado{_TO_YOU}", deed=True),
    _called(
        r"\b(?:abri|abrimos|registrei|registre\^|cree\^|opened|created|raised|logged)(?: \w+){0,2}? (?:chamado|ticket"
        r"|solicitacao|solicitud|reclamacao|request|caso|case)\b",
        deed=True,
    ),
    _called(
        rf"{WE}(?:passed|transferred|forwarded|handed|escalated|flagged)\b|{WE}(?:notified|informed|alerted|told|called|contacted"
        r"|asked|let|pinged|messaged|looped in|looped|texted|emailed|spoke to|spoken to|talked to|spoke with|written to"
        rf"|rang)(?: \w+){{0,3}}? PERSON",
        deed=True,
    ),
    _called(
        r"PERSON(?: \w+){0,4}? (?:foi|foram|esta|estao|fue|sido|been|was|is|ja|ya|has)(?: \w+){0,2}? (?:avisad[oa]s?"
        r"|notificad[oa]s?|acionad[oa]s?|informad[oa]s?|chamad[oa]s?|cientes?|enterad[oa]s?|sabe|sabem|sabendo|por dentro"
        r"|al tanto|notified|informed|told|alerted|contacted|aware|in the loop|on it|cuidando|vendo isso)\b"
    ),
    _called(
        r"\b(?:conversa|contato|caso|atendimento|pedido|mensagem|solicitacao|chat|request|message|conversacion|contacto"
        r"|solicitud)(?: \w+){0,2}? (?:foi|esta|fue|sido|been|was|is|ja)(?: \w+){0,2}? (?:encaminhad|transferid|repassad"
        r"|passad|derivad|registrad|forwarded|passed|transferred|handed|escalated|com (?:a|o|um|uma) PERSON)\w*"
    ),
    _called(
        rf"PERSON(?:(?! visita)(?! seu)[ ]\w+){{0,4}}? (?:vai|ira|va a|vao|van a|will|'ll|ja vai|segue|assume|sigue"
        r"|is going to|are"
        rf" going to)(?: \w+){{0,2}}? ?{_IN_TOUCH}\w*{_NOT_AT_THE_VISIT}"
    ),
    # In the present or soon: "um consultor já te chama", "te llamará un asesor".
    _called(
        r"PERSON(?: (?:\w+ )?(?:equipe|time|equipo|team|comercial|vendas|ventas|nossa"
        rf"|nuestro))*(?: {_SOON})* (?:{_SOON} )*(?:te|lhe|lo|la|le|ja te) (?:{_SOON} )?(?:chama\w{{0,3}}|liga\w{{0,3}}"
        rf"|retorna\w{{0,3}}|responde\w{{0,3}}|contata\w{{0,3}}|procura\w{{0,3}}|escreve\w{{0,3}}|contact\w+|llama\w{{0,3}}"
        rf"|escrib\w+|habla\w{{0,3}}|manda\w{{0,3}}|atende\w{{0,3}}){_NOT_AT_THE_VISIT}"
    ),
    _called(
        rf"PERSON(?: \w+){{0,3}}? (?:entra(?:ra)?|entram|entrarao|se pone|se pondra|se pondran|fala|falara|falam|retorna"
        r"|retornara|liga|ligara|chama|chamara|assume|assumira|continua|continuara|se comunica\w*|se contact\w+)"
        rf"\b(?: (?:em contato|en contacto|com voce|contigo|con usted|{_SOON}|daqui|por aqui|a conversa|o atendimento"
        rf"|para voce|pra voce)){_NOT_AT_THE_VISIT}"
    ),
    _called(
        r"PERSON(?: \w+)?? (?:ja |ya |has )?(?:recebeu|assumiu|tem|anotou|pegou|viu|received|got|has|recibio|tiene"
        r"|vio) (?:o |a |el |la )?(?:seu|sua|your|tu|su) (?:contato|numero|pedido|caso|mensagem|conversa|atendimento|dados"
        r"|contact|number|request|case|message|contacto|mensaje)\b|\b(?:caso|contato|pedido|conversa|atendimento|assunto"
        r"|reclamacao|reclamo|solicitacao|solicitud|case|request|chat|contacto)(?:'s)?(?: \w+){0,3}? (?:nas maos"
        r"|aos cuidados|a cargo|en manos|in the hands|com|con|with)(?: (?:d?[aoe]|del?|of|el|la|the|um|uma|un|una|nosso"
        r"|nossa|nuestro|nuestra|our))* PERSON|\b(?:atendimento humano|atencion humana|human agent) (?:\w+ )?(?:comeca"
        r"|iniciad|comecara|empieza|starts|will)\w*"
    ),
    _called(
        r"\b(?:sera|seras|vas a ser|vai ser|you'll be|you will be)(?: \w+)? (?:contatad|contactad|avisad|chamad|atendid"
        r"|procurad|transferid|redirecionad|llamad|notified|called|contacted|reached|transferred|reminded)\w*"
    ),
    _called(
        rf"PERSON (?!pode|poderia|quer|prefer|conseg|que)(?:\w+ ){{1,3}}(?:com|with|con) (?:voce|vc|you|ti"
        rf"|usted)\b{_NOT_AT_THE_VISIT}"
        r"|\bte (?:marca|llama|contacta|escribe|atiende|habla)\w{0,2}(?: \w+){0,2} PERSON|PERSON(?:'s| has| is| will| foi"
        r"| fue| ha sido)(?: \w+)? (?:been |be )?(?:assigned|designad|asignad|destacad)\w*|\b(?:na|da|en la|de la) (?:fila"
        r"|cola)\b|\bin the (?:queue|line)\b"
    ),
    _called(
        r"PERSON(?: \w+)?? (?:assume|assumira|toma el caso|olhando|vendo|cuidando|analisando|revisando|viendo|looking"
        rf"|working)\b{_NOT_AT_THE_VISIT}"
    ),
    # "Alguém te dará retorno", "Ana will sort you out": whatever a person is to do for the customer, unless it is at the visit.
    _called(
        rf"PERSON(?: \w+){{0,3}}? (?:te|lhe) (?!agradec|explic|mostr|lev|apresent|entreg|orient|espera"
        rf"|visit)\w+{_NOT_AT_THE_VISIT}|PERSON(?: \w+){{0,3}}? (?:will|'ll|is going to|is about to|is here to)(?! visit"
        rf"| meet| see| explain| show| walk| bring)(?: \w+){{1,3}}? you\b{_NOT_AT_THE_VISIT}"
        r"|PERSON (?:is|are|esta|estao|ja esta|ya esta) (?:\w+ )?(?:taking over|assumindo|entrando|joining|tomando)\b"
    ),
    _called(
        r"\b(?:entraremos em contato|entramos em contato|nos pondremos en contacto|te contactaremos|te llamaremos"
        r"|we will be in touch|we'll be in touch|we'll (?:call|contact|reach out)|we will (?:call|contact|reach out)"
        r"|you'll (?:hear from|get a call|be contacted)|you will (?:hear from|get a call|be contacted)|te ligaremos"
        r"|ligaremos para|vamos te ligar|te (?:llamaran|contactaran|escribiran|ligarao))\b|\b(?:vao|van a|te van a|they'll"
        r"|they will|somebody will)(?: \w+){0,2}? (?:ligar|chamar|contatar|procurar|entrar em contato|retornar|falar com"
        r"|contactar|llamar|escribir|hablar|call|reach|contact|text|get back|get in touch|write)\w*|\b(?:a gente|nos"
        r"|eu) (?:\w+ )?(?:te|lhe) (?:liga|ligo|ligamos)\b|\bte (?:ligo|llamamos)\b|\b(?:i'll|we'll) (?:call|phone"
        r"|ring) you\b|\bte (?:ligam|chamam|procuram|retornam|llaman|contactan|escriben)\b|\b(?:vai|vas a|va a"
        r"|voce) (?:receber|recibir|recebe\w*) (?:uma?|una?|la|o|a) (?:ligacao|llamada|contato|retorno|contacto)\b"
    ),
    _called(
        r"(?:\b(?:vou|vamos|voy a|vamos a|i will|let me|i'm going to|estou|estoy|i am)|i'll|i'm)(?: \w+){0,2}? (?:chamar"
        r"|chamando|passar|passando|encaminhar|encaminhando|transferir|transferindo|transfiriendo|acionar|acionando|avisar"
        r"|avisando|pedir|pedindo|pidiendo|llamar|llamando|pasar|pasando|derivar|derivando|transferring|transfer|call"
        r"|calling|get|connect|connecting|pass|passing|forward|hand|handing|ask|asking|notify|loop|looping|(?:verificar"
        r"|checar|confirmar|consultar|conferir) com|(?:consultar|verificar|revisar) con|check with"
        r"|checking with)\b(?: \w+){0,5}? PERSON"
    ),
    # That we, or a person, will come back to the customer: nothing is done after the reply, unless a person was called.
    _called(
        r"(?:\b(?:vou|vamos|voy a|vamos a|i will|we will|i'm going to|we're going to)|i'll|we'll)(?: (?:te|lhe|logo|ja|ya|just))*"
        r" (?:ligar|telefonar|llamar|contatar|contactar|call you|phone you|ring you|email you|text you)(?:te|le|lo|la)?\b"
        r"|\bte (?:vamos|voy|vou|van) (?:a )?(?:contactar|llamar|ligar|contatar|escribir|retornar)\b"
        r"|\bte (?:llamo|telefono|contacto)\b|\b(?:aguarde|aguarda|espere|espera|expect|await|wait for)(?: \w+){0,2}?"
        r" (?:contato|retorno|ligacao|llamada|contacto|chamada|call|callback|reply)\b"
    ),
    _called(
        rf"(?:\b(?:vou|vamos|voy a|vamos a|deixa que eu|deja que|let me|i will|we will|ya (?:lo|la)|eu|ja)|i'll|we'll)(?: \w+)??"
        r" (?:falar|falo|avisar|aviso|avisamos|consultar|consulto|consulte\^|consultei|hablar|hablo|preguntar|pregunto|perguntar"
        r"|pergunto|peco|tell|speak|talk|consult)(?: (?:com|con|para|pra|pro|ao?|o|al|la|el|with|to|the|nossa|nosso|our))* PERSON"
        rf"{_NOT_AT_THE_VISIT}"
    ),
    _called(
        r"\b(?:estou|to|tou|estoy|i'm|i am)(?: (?:aqui|ca|aca|here|agora|now))* (?:com|con|with)(?: (?:a|o|la|el|the))? PERSON"
    ),
    ClaimPattern(
        ("handed_off", "booked"),
        r"PERSON(?:'s| is| esta| ta|)(?: (?:ja|ya|te|already))* (?:expecting"
        r"|aguardando|esperando)\b",
    ),
    ClaimPattern(
        ("will", "handed_off"),
        r"\b(?:ja|ya|logo|em breve|depois|luego|despues|e|and)(?: (?:ja|ya|te|lhe|logo|eu))+ (?:retorno|respondo|aviso|confirmo"
        r"|informo|escribo|respondemos|retornamos)\b|\bvou (?:\w+ ){1,3}e (?:(?:ja|ai|depois) )?(?:volto|retorno)\b"
        r"|\b(?:ja|ya|e ja|y)"
        r" (?:volto|vuelvo|retorno)\b|\b(?:i'll|we'll|i will|we will)(?: \w+){0,5}? (?:get|come|be) back\b"
        r"|\b(?:dou|doy|darei)(?: \w+)? (?:retorno|respuesta)\b|\bi'll (?:follow up|let you know)\b(?! (?:if|se))",
    ),
    _called(
        r"\bte (?:transfiro|paso|passo|derivo|encaminho|conecto|deixo|comunico|transfiero|pongo)(?: \w+){0,4}? PERSON"
        r"|\b(?:transferindo|connecting you|transferring you)\b"
    ),
)
