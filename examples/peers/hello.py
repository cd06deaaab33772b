import socket

import ipc_playground as ipc

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect('hello.sock')
    ipc.write_frame(connection.fileno(), b'from python')
    connection.shutdown(socket.SHUT_WR)
    for message in ipc.read_frames(connection.fileno()):
        print(message.decode())
