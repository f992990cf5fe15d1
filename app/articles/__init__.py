"""The knowledge base: articles, their versions and translations, and the search over them."""
