"""Around all routes: connections, what is refused before a route is found, and the request's log."""
