"""Files of tickets and messages: where their bytes are, who may have them, and what becomes of them."""
