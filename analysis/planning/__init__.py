"""What an edit of the network changes."""
