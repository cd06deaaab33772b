"""peer.py MECHANISM ADDRESS [COUNT]: as peer.c, in Python."""
import os
import signal
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / 'python'))
import ipc_playground as ipc

RING_BYTES = 2**20
TICKET = 2**32
MEMBER = 2**32 + 1


def say(*lines):
    print(*lines, sep='\n', flush=True)


NEXT = bytes([*range(1, 256), 0])


def answered(message):
    return message.translate(NEXT)


def over_frames(reader, writer, count):
    for message in ipc.read_frames(reader):
        ipc.write_frame(writer, answered(message))


def in_lockstep(receive, send):
    def serve(count):
        for _ in range(count):
            send(receive())

    return serve


def accepted(listening):
    listening.listen(1)
    say('ready')
    return listening.accept()[0]


def stream(connection, count):
    with connection:
        over_frames(connection.fileno(), connection.fileno(), count)


def records(connection, count):
    with connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        while True:
            message, credentials, _, _ = connection.recvmsg(2**20, socket.CMSG_SPACE(12))
            if not message and not credentials:
                return
            connection.send(answered(message))


def unix(type, path):
    connection = socket.socket(socket.AF_UNIX, type)
    connection.connect(path)
    return connection


def unix_listening(type, path):
    listening = socket.socket(socket.AF_UNIX, type)
    listening.bind(path)
    with listening:
        connection = accepted(listening)
    os.unlink(path)
    return connection


def tcp_listening():
    with socket.create_server(('127.0.0.1', 0)) as listening:
        say(f'port {listening.getsockname()[1]}')
        return accepted(listening)


def datagrams(port=None):
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(('127.0.0.1', 0))
    if port is not None:
        bound.connect(('127.0.0.1', port))
    return bound, bound.getsockname()[1]


def udp(port, count):
    channel, own = datagrams()
    asking, _ = datagrams(port)
    asking.settimeout(0.5)
    nonce = os.urandom(8).hex()
    while True:
        asking.send(f'ipc-playground/1 hello {nonce} {own}'.encode())
        try:
            _, kind, echoed, other = asking.recv(256).decode().split(' ')
        except TimeoutError:
            continue  # lost: say it again
        if (kind, echoed) == ('welcome', nonce):
            break
    channel.connect(('127.0.0.1', int(other)))
    in_lockstep(lambda: channel.recv(65536), lambda message: channel.send(answered(message)))(count)


def udp_raw(port, count):
    receiving, own = datagrams()
    sending, _ = datagrams(port)
    say(f'port {own}', 'ready')
    in_lockstep(lambda: receiving.recv(65536), lambda message: sending.send(answered(message)))(count)


def fifo(path, count):
    reader, writer = ipc.connect_fifo(path)
    over_frames(reader, writer, count)


def fifo_raw(path, count):
    with open(f'{path}.in', 'rb', buffering=0) as reader, open(f'{path}.out', 'wb', buffering=0) as writer:
        while data := reader.read(65536):
            rest = answered(data)
            while rest:
                rest = rest[writer.write(rest) :]


def queues(name, incoming, outgoing, count, meets):
    with ipc.PosixQueue(name + incoming) as reader, ipc.PosixQueue(name + outgoing) as writer:
        if meets:
            reader.unlink()
            writer.unlink()
            writer.send(b'', 32767)
        in_lockstep(lambda: reader.receive()[0], lambda message: writer.send(answered(message)))(count)


def sysv(name, count):
    reader, writer = (ipc.SysvQueue(ipc.key_of_name(name + suffix)) for suffix in ('.0', '.1'))
    reader.receive(TICKET, ipc.IPC_NOWAIT)
    reader.send(b'', MEMBER)
    writer.send(b'', MEMBER)
    writer.send(b'')
    in_lockstep(lambda: reader.receive(1)[0], lambda message: writer.send(answered(message)))(count)
    for queue in (reader, writer):
        queue.receive(MEMBER, ipc.IPC_NOWAIT)


def sysv_raw(key, count):
    queue = ipc.SysvQueue(int(key, 0))
    in_lockstep(lambda: queue.receive(7)[0], lambda message: queue.send(answered(message), 8))(count)


def semaphores(name, count):
    with ipc.PosixSemaphore(f'{name}.0') as incoming, ipc.PosixSemaphore(f'{name}.1') as outgoing:
        incoming.unlink()
        outgoing.unlink()
        outgoing.post()
        in_lockstep(incoming.wait, lambda _: outgoing.post())(count)


def semaphore_set(name, count):
    members = ipc.SysvSemaphores(ipc.key_of_name(name))
    members.operate((2, -1), (3, 1), flags=ipc.IPC_NOWAIT)
    members.operate((1, 1))
    in_lockstep(lambda: members.operate((0, -1)), lambda _: members.operate((1, 1)))(count)
    members.operate((3, -1))


def signals(pid, count):
    signal.pthread_sigmask(signal.SIG_BLOCK, [ipc.DATA_SIGNAL])
    say('ready')

    def send(taken):
        value, _ = taken
        ipc.queue_signal(pid, int.from_bytes(answered(value.to_bytes(4, 'little')), 'little'))

    in_lockstep(ipc.take_signal, send)(count)


def ring(name, count):
    with ipc.Ring(name, RING_BYTES) as side:
        say('ready')
        side.accept()
        while (message := side.receive()) is not None:
            side.send(answered(message))
        side.end()


MECHANISMS = {
    'unix': lambda path, count: stream(unix(socket.SOCK_STREAM, path), count),
    'unix-listen': lambda path, count: stream(unix_listening(socket.SOCK_STREAM, path), count),
    'tcp': lambda port, count: stream(socket.create_connection(('127.0.0.1', int(port))), count),
    'tcp-listen': lambda _, count: stream(tcp_listening(), count),
    'seqpacket': lambda path, count: records(unix(socket.SOCK_SEQPACKET, path), count),
    'seqpacket-listen': lambda path, count: records(unix_listening(socket.SOCK_SEQPACKET, path), count),
    'udp': lambda port, count: udp(int(port), count),
    'udp-raw': lambda port, count: udp_raw(int(port), count),
    'fifo': fifo,
    'fifo-raw': fifo_raw,
    'mq': lambda name, count: queues(name, '.0', '.1', count, True),
    'mq-raw': lambda name, count: queues(name, '.in', '.out', count, False),
    'sysv': sysv,
    'sysv-raw': sysv_raw,
    'sem': semaphores,
    'semset': semaphore_set,
    'signal': lambda pid, count: signals(int(pid), count),
    'ring-listen': ring,
}

mechanism, address, *more = sys.argv[1:]
MECHANISMS[mechanism](address, int(more[0]) if more else None)
