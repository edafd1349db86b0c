"""An imitation of OpenAI's chat completions and transcriptions, with a scripted mind and a stand-in mind."""
