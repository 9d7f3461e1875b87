"""The demo: three devices of two people, a real server, a cut network, and a proof at the end."""
