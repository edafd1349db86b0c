"""Four local servers that speak Kommo's, Google's, Evolution's and OpenAI's wire formats.

One process, one shared world, one clock. Nothing here imports the product: code shared with it would share its mistakes.
"""
