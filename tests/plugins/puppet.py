"""A puppet: relays its standard input and output to the Unix socket that its argument names,
where a test plays the plugin. It ends when the test closes the socket, and when its standard
input ends.
"""
import os
import socket
import sys
import threading

string = socket.socket(socket.AF_UNIX)
string.connect(sys.argv[1])


def relay(from_fd, to_fd):
    try:
        while data := os.read(from_fd, 1 << 16):
            while data:
                data = data[os.write(to_fd, data):]
    except OSError:
        pass
    os._exit(0)


threading.Thread(target=relay, args=(0, string.fileno())).start()
relay(string.fileno(), 1)
