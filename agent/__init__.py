"""One customer turn in, one answer out: history → model → tools → guard → send."""
