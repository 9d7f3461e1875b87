"""How device and server speak, and how two histories become one. Pure: no file, socket, clock or dice."""
