"""An imitation of Kommo: API v4, the webhooks it posts, and the people who work in its pages."""
