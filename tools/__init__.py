"""What the model may do. Thin: check arguments, call one function of `meetings/`, say the result.

The model never names a customer, a lead or a calendar: they come from the turn's context, which it can't see.
"""
