"""The official clients, over real sockets, against the server in a process of its own."""
