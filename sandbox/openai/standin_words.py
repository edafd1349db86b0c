"""The stand-in's own sentences in Portuguese, Spanish and English. No sentence names a day, an hour or a booking."""

_SENTENCES: dict[str, dict[str, str]] = {
    "pt": {
        "stand_in": (
            "Olá! Sou o stand-in do Marcado: respondo por regras no lugar de um modelo de linguagem, para demonstração e "
            "testes. Não recebi os dados desta conversa, por isso ainda não posso ajudar."
        ),
        "hello": "Olá!",
        "hello_name": "Olá, {name}!",
        "noted_0": "Anotado!",
        "noted_1": "Perfeito!",
        "noted_2": "Certo!",
        "options_are": "Opções: {options}.",
        "unclear": "Desculpe, não entendi bem.",
        "vague_money": "Não precisa ser exato: um valor aproximado, em um só número, já ajuda.",
        "vague_number": "Não precisa ser exato: um número aproximado já ajuda.",
        "vague_yes_no": "Pode me responder com sim ou não?",
        "vague_choice": "Pode me dizer qual destas opções se aproxima mais?",
        "vague_text": "Pode me contar um pouco melhor?",
        "help": "Posso ajudar você a escolher um horário para a reunião.",
        "first": "Antes de ver os horários, preciso de uma informação.",
        "offer": "Tenho estes horários livres:",
        "offer_else": "Com essa preferência não há horário livre. Posso oferecer estes:",
        "offer_taken": "Esse horário acabou de ser ocupado, desculpe. Ainda tenho estes:",
        "offer_which": "Mais de um horário combina com isso:",
        "offer_unknown": "Essa opção não está na lista. Tenho estes horários:",
        "pick": "Qual fica melhor para você? Pode responder com o número.",
        "ask_preference": "Qual dia e período (manhã, tarde ou noite) ficam melhores para você?",
        "none_free": "Não encontrei horário livre com essa preferência.",
        "no_calendar": "No momento não consigo consultar a agenda. Pode tentar de novo daqui a pouco?",
        "booked": "Tudo certo! Qualquer dúvida, é só me chamar por aqui.",
        "booked_name": "Tudo certo, {name}! Qualquer dúvida, é só me chamar por aqui.",
        "confirming": "Estou conferindo isso na agenda e já dou um retorno por aqui.",
        "already": "Você já tem uma reunião com a gente. Se quiser, posso remarcar ou cancelar.",
        "moved": "Pronto, horário alterado! Qualquer dúvida, é só me chamar.",
        "cancelled": "Pronto, a reunião foi cancelada. Quando quiser outro horário, é só me chamar.",
        "confirm_cancel": "Posso cancelar a sua reunião? Responda sim para cancelar ou, se preferir, me diga outro dia.",
        "kept": "Tudo bem, não cancelei nada. Qualquer dúvida, é só me chamar.",
        "no_meeting": "Não encontrei nenhuma reunião no seu nome.",
        "meeting_is": "A sua reunião: {label}.",
        "same_time": "Esse já é o horário da sua reunião.",
        "meeting_help": "Como posso ajudar com a sua reunião? Posso informar o horário, remarcar ou cancelar.",
        "meeting_kind": "Combinado! Qualquer dúvida, é só me chamar por aqui.",
        "handed_off": "Já chamei uma pessoa da equipe, que continua a conversa com você por aqui.",
        "no_hand_off": "No momento não consigo chamar uma pessoa da equipe.",
        "robot": "Sou uma assistente virtual, e posso chamar uma pessoa da equipe se você preferir.",
        "thanks": "Por nada! Se precisar, é só me chamar.",
        "declined": "Sem problema! Se mudar de ideia, é só me chamar por aqui.",
        "not_qualified": (
            "Agradeço pelas informações! No momento a nossa solução não é a mais indicada para o seu caso, mas ficamos à "
            "disposição se algo mudar."
        ),
        "trouble": "Não consegui concluir isso agora, desculpe. Pode tentar de novo daqui a pouco?",
    },
    "es": {
        "stand_in": (
            "¡Hola! Soy el stand-in de Marcado: respondo con reglas en lugar de un modelo de lenguaje, para demostraciones "
            "y pruebas. No recibí los datos de esta conversación, por eso todavía no puedo ayudar."
        ),
        "hello": "¡Hola!",
        "hello_name": "¡Hola, {name}!",
        "noted_0": "¡Anotado!",
        "noted_1": "¡Perfecto!",
        "noted_2": "¡Muy bien!",
        "options_are": "Opciones: {options}.",
        "unclear": "Disculpa, no entendí bien.",
        "vague_money": "No hace falta que sea exacto: un valor aproximado, en un solo número, ya ayuda.",
        "vague_number": "No hace falta que sea exacto: un número aproximado ya ayuda.",
        "vague_yes_no": "¿Puedes responderme con sí o no?",
        "vague_choice": "¿Puedes decirme cuál de estas opciones se acerca más?",
        "vague_text": "¿Puedes contarme un poco más?",
        "help": "Puedo ayudarte a elegir un horario para la reunión.",
        "first": "Antes de ver los horarios, necesito un dato.",
        "offer": "Tengo estos horarios libres:",
        "offer_else": "Con esa preferencia no hay horarios libres. Puedo ofrecerte estos:",
        "offer_taken": "Ese horario acaba de ocuparse, disculpa. Todavía tengo estos:",
        "offer_which": "Más de un horario coincide con eso:",
        "offer_unknown": "Esa opción no está en la lista. Tengo estos horarios:",
        "pick": "¿Cuál te queda mejor? Puedes responder con el número.",
        "ask_preference": "¿Qué día y qué parte del día (mañana, tarde o noche) te quedan mejor?",
        "none_free": "No encontré horarios libres con esa preferencia.",
        "no_calendar": "En este momento no puedo consultar la agenda. ¿Puedes intentar de nuevo en un rato?",
        "booked": "¡Todo listo! Cualquier duda, escríbeme por aquí.",
        "booked_name": "¡Todo listo, {name}! Cualquier duda, escríbeme por aquí.",
        "confirming": "Estoy revisando eso en la agenda y te aviso por aquí.",
        "already": "Ya tienes una reunión con nosotros. Si quieres, puedo cambiarla o cancelarla.",
        "moved": "¡Listo, horario cambiado! Cualquier duda, escríbeme.",
        "cancelled": "Listo, la reunión fue cancelada. Cuando quieras otro horario, escríbeme.",
        "confirm_cancel": "¿Puedo cancelar tu reunión? Responde sí para cancelar o, si prefieres, dime otro día.",
        "kept": "Está bien, no cancelé nada. Cualquier duda, escríbeme.",
        "no_meeting": "No encontré ninguna reunión a tu nombre.",
        "meeting_is": "Tu reunión: {label}.",
        "same_time": "Ese ya es el horario de tu reunión.",
        "meeting_help": "¿Cómo puedo ayudarte con tu reunión? Puedo decirte el horario, cambiarla o cancelarla.",
        "meeting_kind": "¡De acuerdo! Cualquier duda, escríbeme por aquí.",
        "handed_off": "Ya llamé a una persona del equipo, que sigue la conversación contigo por aquí.",
        "no_hand_off": "En este momento no puedo llamar a una persona del equipo.",
        "robot": "Soy una asistente virtual, y puedo llamar a una persona del equipo si lo prefieres.",
        "thanks": "¡Con gusto! Si necesitas algo, escríbeme.",
        "declined": "¡No hay problema! Si cambias de idea, escríbeme por aquí.",
        "not_qualified": (
            "¡Gracias por la información! Por ahora nuestra solución no es la más indicada para tu caso, pero quedamos a "
            "disposición si algo cambia."
        ),
        "trouble": "No pude completar eso ahora, disculpa. ¿Puedes intentar de nuevo en un rato?",
    },
    "en": {
        "stand_in": (
            "Hello! I am Marcado's stand-in: I answer by rules in place of a language model, for demos and tests. I was not "
            "given the facts of this conversation, so I can't help yet."
        ),
        "hello": "Hello!",
        "hello_name": "Hello, {name}!",
        "noted_0": "Noted!",
        "noted_1": "Perfect!",
        "noted_2": "Great!",
        "options_are": "Options: {options}.",
        "unclear": "Sorry, I didn't quite get that.",
        "vague_money": "It doesn't have to be exact: an approximate amount, as one number, is enough.",
        "vague_number": "It doesn't have to be exact: an approximate number is enough.",
        "vague_yes_no": "Could you answer with yes or no?",
        "vague_choice": "Could you tell me which of these options is closest?",
        "vague_text": "Could you tell me a little more?",
        "help": "I can help you choose a time for the meeting.",
        "first": "Before we look at times, I need one detail.",
        "offer": "These times are free:",
        "offer_else": "Nothing is free with that preference. I can offer these:",
        "offer_taken": "That time has just been taken, sorry. These are still free:",
        "offer_which": "More than one time fits that:",
        "offer_unknown": "That option is not on the list. I have these times:",
        "pick": "Which one suits you best? You can answer with the number.",
        "ask_preference": "Which day and part of the day (morning, afternoon or evening) suit you best?",
        "none_free": "I found nothing free with that preference.",
        "no_calendar": "I can't look at the calendar right now. Could you try again in a little while?",
        "booked": "All set! If you have any questions, just write to me here.",
        "booked_name": "All set, {name}! If you have any questions, just write to me here.",
        "confirming": "I am checking that on the calendar and will get back to you here.",
        "already": "You already have a meeting with us. If you like, I can move it or cancel it.",
        "moved": "Done, the time has been changed! If you have any questions, just write to me.",
        "cancelled": "Done, the meeting has been cancelled. Whenever you want another time, just write to me.",
        "confirm_cancel": "May I cancel your meeting? Answer yes to cancel or, if you prefer, tell me another day.",
        "kept": "All right, I have not cancelled anything. If you have any questions, just write to me.",
        "no_meeting": "I found no meeting under your name.",
        "meeting_is": "Your meeting: {label}.",
        "same_time": "That is already the time of your meeting.",
        "meeting_help": "How can I help with your meeting? I can tell you the time, move it or cancel it.",
        "meeting_kind": "Great! If you have any questions, just write to me here.",
        "handed_off": "I have called a person from the team, who will continue with you here.",
        "no_hand_off": "I can't reach a person from the team right now.",
        "robot": "I am a virtual assistant, and I can call a person from the team if you prefer.",
        "thanks": "You're welcome! If you need anything, just write to me.",
        "declined": "No problem! If you change your mind, just write to me here.",
        "not_qualified": (
            "Thank you for the information! Right now our solution is not the best fit for your case, but we are here if "
            "anything changes."
        ),
        "trouble": "I couldn't complete that right now, sorry. Could you try again in a little while?",
    },
}


def sentence(language: str, key: str, **values: str) -> str:
    """The sentence of that key; `language` is "pt", "es" or "en"."""
    return _SENTENCES[language][key].format(**values)


def in_any_language(key: str) -> list[str]:
    """The same sentence in the three languages, for recognising what was said earlier."""
    return [table[key] for table in _SENTENCES.values()]
