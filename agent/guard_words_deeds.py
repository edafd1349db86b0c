"""Claims known by their form instead of their meaning: "providenciei", "tramité", "I've arranged", "sua visita está de pé".

Talking, looking and writing down need no record; whatever else the agent says it did or will do must stand in one.
"""

from agent.guard_claim_words import MEETING, ClaimPattern
from agent.moments_words import one_of

# Any of them may be the deed that is meant.
_ANY_DEED = ("done", "link_saved", "notified", "reminds")

_TALK_PT = one_of(
    "anotei registrei passei mandei enviei separei deixei fiquei gostei adorei amei pensei achei encontrei verifiquei chequei consultei olhei"
    " busquei procurei localizei notei observei falei comentei mencionei expliquei perguntei mostrei listei citei indiquei apresentei comecei"
    " continuei errei confundi enganei equivoquei demorei cheguei voltei entrei tentei esperei aguardei imaginei lembrei calculei contei"
    " analisei avaliei considerei usei escutei copiei juntei repassei recomendei preparei montei organizei selecionei filtrei peguei cuidei"
    " precisei preocupei alegrei desculpei expressei enfim hei lei rei sei serei estarei terei ficarei farei direi poderei saberei"
    " verificarei checarei consultarei responderei mostrarei explicarei perguntarei volei frei nei sidnei claudinei vanderlei wanderlei sirlei"
    " shirlei valdinei ednei rudinei dirlei darlei arlei adinei".split()
)  # fmt: skip
_TALK_ES = one_of(
    "anote registre note revise consulte verifique mire busque encontre pregunte explique mostre mencione comente hable pense intente trate"
    " olvide equivoque espere escuche llegue pase mande envie separe quede use conte liste prepare arme ordene seleccione recomende empece"
    " continue calcule analice considere sere estare tendre podre dire hare vere sabre revisare consultare verificare respondere mostrare"
    " explicare preguntare cafe porque jose bebe andre rene chale pure tome noe".split()
)  # fmt: skip
_TALK_EN = one_of(
    "noted checked looked asked answered mentioned listed showed shared explained offered suggested tried wanted hoped wondered liked loved"
    " enjoyed missed skipped confused mixed assumed guessed noticed realized realised remembered learned received typed repeated copied"
    " summarized summarised pulled narrowed prepared gathered limited dedicated detailed need indeed talked based worked started used stopped"
    " recorded understated misunderstood expected called searched reviewed verified apologized agreed been feed speed red bed".split()
)  # fmt: skip

DEEDS = (
    # Without a meeting there is no "sua visita" of which anything could be said.
    ClaimPattern(
        ("booked", "moved", "cancelled", "completed", "no_show"),
        rf"\b(?:sua|tua|tu|su|your)(?: proxima| next)? {MEETING}(?: tecnica)?(?:'s| (?:ja |ya |now |already )?(?:esta|ta|fica|ficou|segue|sigue"
        r"|continua|entrou|acaba|acabou|comeca|acontece|acontecera|vai|tem|conta|consta|permanece|is|was|has|starts|got|went|stands|queda"
        r"|quedo|empieza|va|tiene|entro))\b(?! (?:not|nao|no|never|nunca|yet)\b|n't)",
    ),
    ClaimPattern(_ANY_DEED, rf"\b(?!(?:{_TALK_PT})\b)[a-z]{{2,}}(?<![aei]r)ei\b", is_past_deed=True),
    ClaimPattern(_ANY_DEED, rf"\b(?!(?:{_TALK_PT})\b)[a-z]{{2,}}[aei]rei\b"),
    ClaimPattern(_ANY_DEED, rf"\b(?!(?:{_TALK_ES})\^)[a-z]{{3,}}(?<![aei]r)e\^", is_past_deed=True),
    ClaimPattern(_ANY_DEED, rf"\b(?!(?:{_TALK_ES})\^)[a-z]{{3,}}[aei]re\^"),
    ClaimPattern(
        _ANY_DEED,
        r"\b(?:i|we|i've|we've|i have|we have)(?: (?:also|already|just|now|gone ahead and|went ahead and|quickly))*"
        rf" (?:(?!(?:{_TALK_EN})\b)[a-z]{{2,}}ed|made(?! (?:a|an) (?:mistake|error|list|note))|took(?! a look)|taken care|done)\b",
        is_past_deed=True,
    ),
    ClaimPattern(_ANY_DEED, r"\b(?:subi|inseri|conclui|resolvi(?! sua duvida)|garanti|assumi|cumpri|defini|inclui|emiti|transmiti)\b", is_past_deed=True),
)  # fmt: skip
