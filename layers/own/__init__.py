"""Layers of a user's own, put into the words and shapes of the schema before it checks them."""
