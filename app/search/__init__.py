"""One search over tickets, messages, problems, articles, accounts and people, by what its caller may see."""
