"""HTTP: what every route shares, and the layers around all of them."""
