"""Plans as data: the document, its checks, its stored versions, and the seven that ship."""
