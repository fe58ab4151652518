"""The interactive page: a server on this machine that answers a click, and the page that asks."""
