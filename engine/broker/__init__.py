"""What ``gate ibkr`` does, apart from its arguments."""
