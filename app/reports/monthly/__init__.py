"""The monthly report of an account: a page, its PDF, and the mails that lead to it."""
