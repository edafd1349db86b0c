"""The outside world: one class per service, one error tree, no rule of ours."""
