"""Who may see a ticket and hears of it: guests, holders of links, watchers."""
