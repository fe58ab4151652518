"""Where the next checkpoints belong: candidates, what each brings to every trip, the best set, and how sure that is."""
