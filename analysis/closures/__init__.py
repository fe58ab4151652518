"""What a checkpoint or a link is worth: the cost of closing it."""
