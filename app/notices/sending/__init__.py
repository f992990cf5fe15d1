"""How messages leave: channels, e-mail as it is sent, and a fair share of the sending for each account."""
