"""An imitation of Evolution API 2.3.7 (Baileys channel) and of the people on the other side of WhatsApp."""
