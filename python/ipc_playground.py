"""The other side of an ipc-playground channel, in Python. The formats are specified in docs/wire.md.

Python 3.9 and newer on Linux, standard library only: sockets, FIFOs and memory are Python's own; what Python does not
have (message queues, semaphores, values of signals, futexes) is called in glibc, 2.34 or newer.

What the system refuses raises OSError. What ends, or breaks a format, raises an Error below. Objects that hold
something are context managers, and are used by one thread at a time.
"""
import ctypes
import errno
import functools
import mmap
import os
import platform
import select
import signal
import struct
import time

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""What the Node side accepts unless told otherwise."""


class Error(Exception):
    """What went wrong between the two sides."""


class PeerGone(Error):
    """The peer closed or died."""


class ProtocolError(Error):
    """The peer broke the format; nothing after that can be used."""


class NotFound(Error):
    """Nobody listens there (yet)."""


# ---- frames ------------------------------------------------------------------------------------------


def frame(data):
    """A message as it travels over a byte stream."""
    return struct.pack('<I', len(data)) + bytes(data)


def write_frame(fd, data):
    """Writes one message whole to a blocking descriptor. Raises PeerGone where nobody reads any more."""
    rest = memoryview(frame(data))
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except (BrokenPipeError, ConnectionResetError) as error:
            raise PeerGone(str(error)) from None


class Decoder:
    """Cuts a byte stream into messages of at most `most` bytes. It holds what was fed, and no more."""

    def __init__(self, most=MAX_MESSAGE_BYTES):
        self._most = most
        self._held = bytearray()

    def feed(self, data):
        """Adds what came."""
        self._held += data

    def messages(self):
        """Yields the messages that are whole. Raises ProtocolError."""
        at = 0
        try:
            while len(self._held) - at >= 4:
                (length,) = struct.unpack_from('<I', self._held, at)
                if length > self._most:
                    raise ProtocolError(f'the peer announced a message of {length} bytes; at most {self._most} are accepted')
                if len(self._held) - at - 4 < length:
                    break
                start, at = at + 4, at + 4 + length
                yield bytes(self._held[start:at])
        finally:
            del self._held[:at]

    def end(self):
        """At the end of the stream. Raises PeerGone inside a message."""
        if self._held:
            raise PeerGone('the stream ended inside a message')


def read_frames(fd, most=MAX_MESSAGE_BYTES):
    """Yields the messages of a blocking descriptor up to its end. Raises PeerGone, ProtocolError."""
    decoder = Decoder(most)
    while True:
        try:
            data = os.read(fd, 65536)
        except ConnectionResetError as error:
            raise PeerGone(str(error)) from None
        if not data:
            decoder.end()
            return
        decoder.feed(data)
        yield from decoder.messages()


# ---- FIFOs -------------------------------------------------------------------------------------------


def connect_fifo(path):
    """Connects to who listens at `fifo://path`: the blocking descriptors (to read, to write), for frames."""
    gate = f'{path}.0'
    reader = writer = -1
    try:
        reader = os.open(gate, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        writer = os.open(f'{path}.1', os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        if not os.path.samestat(os.fstat(reader), os.lstat(gate)):
            raise NotFound(path)
        os.unlink(gate)  # who succeeds is the peer
        os.set_blocking(reader, True)
        os.set_blocking(writer, True)
        os.write(writer, b'ipc1')
        return reader, writer
    except BaseException as error:
        for fd in (reader, writer):
            if fd >= 0:
                os.close(fd)
        if isinstance(error, OSError):
            raise NotFound(f'{path}: {error}') from None
        raise


# ---- what Python does not have -----------------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)


def _call(function, *arguments):
    """A call of the C library, again where a signal interrupted it. Raises OSError."""
    while True:
        result = function(*arguments)
        if result != -1:
            return result
        error = ctypes.get_errno()
        if error != errno.EINTR:
            raise OSError(error, os.strerror(error))


def _function(name, result, *arguments):
    """A function of the C library, looked for when it is first called."""

    @functools.cache
    def found():
        function = getattr(_libc, name)
        function.restype, function.argtypes = result, arguments
        return function

    return lambda *given: found()(*given)


class _Held:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _QueueLimits(ctypes.Structure):
    _fields_ = [('flags', ctypes.c_long), ('messages', ctypes.c_long), ('bytes', ctypes.c_long), ('now', ctypes.c_long * 5)]


_mq_open = _function('mq_open', ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
_mq_getattr = _function('mq_getattr', ctypes.c_int, ctypes.c_int, ctypes.POINTER(_QueueLimits))
_mq_send = _function('mq_send', ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint)
_mq_receive = _function('mq_receive', ctypes.c_ssize_t, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint))
_mq_unlink = _function('mq_unlink', ctypes.c_int, ctypes.c_char_p)


class PosixQueue(_Held):
    """A POSIX message queue that is there. mq_overview(7)"""

    def __init__(self, name):
        self._name = b'/' + os.fsencode(name)
        self._fd = _call(_mq_open, self._name, os.O_RDWR | os.O_CLOEXEC)
        limits = _QueueLimits()
        _call(_mq_getattr, self._fd, ctypes.byref(limits))
        self.max_message_bytes = limits.bytes

    def send(self, data, priority=0):
        """Waits for room."""
        _call(_mq_send, self._fd, bytes(data), len(data), priority)

    def receive(self):
        """Waits for a message: its bytes and its priority."""
        target = ctypes.create_string_buffer(self.max_message_bytes)
        priority = ctypes.c_uint()
        length = _call(_mq_receive, self._fd, target, len(target), ctypes.byref(priority))
        return target.raw[:length], priority.value

    def unlink(self):
        """Removes the name. Of several that try one succeeds."""
        _call(_mq_unlink, self._name)

    def close(self):
        if self._fd >= 0:
            os.close(self._fd)  # on Linux a queue is a descriptor
        self._fd = -1


def key_of_name(name):
    """The System V key that the Node side makes of a name."""
    key = 0x811C9DC5
    for byte in name.encode():
        key = (key ^ byte) * 0x01000193 & 0xFFFFFFFF
    return key or 1


_msgget = _function('msgget', ctypes.c_int, ctypes.c_int, ctypes.c_int)
_msgsnd = _function('msgsnd', ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_msgrcv = _function('msgrcv', ctypes.c_ssize_t, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_int)
IPC_NOWAIT = 0o4000
_TYPE_BYTES = struct.calcsize('@l')


class SysvQueue:
    """A System V message queue that is there, by its key. msgop(2)"""

    def __init__(self, key):
        self._id = _call(_msgget, ctypes.c_int(key).value, 0)
        with open('/proc/sys/kernel/msgmax', encoding='ascii') as limit:
            self._max = int(limit.read())

    def send(self, data, type=1):
        """Waits for room."""
        _call(_msgsnd, self._id, struct.pack('@l', type) + bytes(data), len(data), 0)

    def receive(self, type=0, flags=0):
        """Waits (without IPC_NOWAIT) for a message of a type, 0 for any: its bytes and its type."""
        target = ctypes.create_string_buffer(_TYPE_BYTES + self._max)
        length = _call(_msgrcv, self._id, target, self._max, type, flags)
        return target.raw[_TYPE_BYTES : _TYPE_BYTES + length], struct.unpack_from('@l', target)[0]


_sem_open = _function('sem_open', ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
_sem_post = _function('sem_post', ctypes.c_int, ctypes.c_void_p)
_sem_wait = _function('sem_wait', ctypes.c_int, ctypes.c_void_p)
_sem_close = _function('sem_close', ctypes.c_int, ctypes.c_void_p)
_sem_unlink = _function('sem_unlink', ctypes.c_int, ctypes.c_char_p)


class PosixSemaphore(_Held):
    """A POSIX semaphore that is there. sem_overview(7)"""

    def __init__(self, name):
        self._name = b'/' + os.fsencode(name)
        self._semaphore = _sem_open(self._name, 0)
        if self._semaphore is None:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), name)

    def post(self):
        _call(_sem_post, self._semaphore)

    def wait(self):
        """Waits for a token and takes it."""
        _call(_sem_wait, self._semaphore)

    def unlink(self):
        """Removes the name. Of several that try one succeeds."""
        _call(_sem_unlink, self._name)

    def close(self):
        if self._semaphore is not None:
            _sem_close(self._semaphore)
        self._semaphore = None


_semget = _function('semget', ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)
_semop = _function('semop', ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)


class SysvSemaphores:
    """A System V semaphore set that is there, by its key. semop(2)"""

    def __init__(self, key):
        self._id = _call(_semget, ctypes.c_int(key).value, 0, 0)

    def operate(self, *changes, flags=0):
        """Pairs of index and change, all at once; waits (without IPC_NOWAIT) until they are possible."""
        operations = b''.join(struct.pack('@Hhh', index, change, flags) for index, change in changes)
        _call(_semop, self._id, operations, len(changes))


_sigqueue = _function('sigqueue', ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
_sigwaitinfo = _function('sigwaitinfo', ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p)
DATA_SIGNAL = signal.SIGRTMIN + 6
"""What `signal/realtime` carries its four bytes by."""


def queue_signal(pid, value, number=DATA_SIGNAL):
    """Sends a signal with four bytes to a process. sigqueue(3)"""
    _call(_sigqueue, pid, number, value & 0xFFFFFFFF)


def take_signal(number=DATA_SIGNAL):
    """Waits for a signal that this thread has blocked (signal.pthread_sigmask): its value, and who sent it. sigwaitinfo(2)"""
    wanted = ctypes.create_string_buffer(128)
    struct.pack_into('@Q', wanted, 0, 1 << (number - 1))
    info = ctypes.create_string_buffer(128)
    _call(_sigwaitinfo, wanted, info)
    return struct.unpack_from('@I', info, 24)[0], struct.unpack_from('@i', info, 16)[0]


# ---- the ring of shared-memory/posix -----------------------------------------------------------------

_MAGIC, _VERSION = 0x52435049, 2
_HEADER_BYTES, _SMALLEST, _LARGEST = 4096, 4096, 2**29
_NAME_AT = 64
# Indices of words: in the header, and in a block. This side listens, so its block is the first.
_READY, _CLAIM = 4, 5
_MINE, _PEERS = 2048 // 4, 3072 // 4
_BELL, _HEAD, _SENDER_END, _TAIL, _RECEIVER_END = 0, 128 // 4, 132 // 4, 256 // 4, 260 // 4
_READABLE, _WRITABLE, _BLOCKED = 1, 2, 4
_SKIP, _WITHDRAWN = -1, -1
_LOOK_S = 0.05
"""How often a sleeper looks whether its peer lives: no futex tells."""

_SYS_FUTEX = 202
_FUTEX_WAIT, _FUTEX_WAKE_OP = 0, 5
_OP_SET, _OP_OR, _CMP_NE = 0, 2, 1
_EVERYBODY = 2**31 - 1


class _Time(ctypes.Structure):
    _fields_ = [('seconds', ctypes.c_long), ('nanoseconds', ctypes.c_long)]


_syscall = _function(
    'syscall', ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int
)


def _signed(value):
    return (value + 2**31) % 2**32 - 2**31


def _start_of_this():
    """When this process started, in ticks since boot. proc_pid_stat(5)"""
    with open('/proc/self/stat', 'rb') as file:
        return int(file.read().rpartition(b')')[2].split()[19])


class Ring(_Held):
    """The listening side of a `shared-memory/posix` channel.

    Python has no atomic operations. Those on the words that both sides write are asked of the kernel, which changes a
    word atomically on the way of FUTEX_WAKE_OP. All other words have one writer, and x86-64 keeps their order; on
    another processor there is no Ring. There is no connecting side either: to claim a segment takes a
    compare-and-swap that the kernel does not offer. include/ipc_playground.h has both.
    """

    def __init__(self, name, size=2**20):
        """Makes the segment (mode 0600), with two rings of `size` bytes, 4096 to 2^29, rounded up to a power of two. Raises FileExistsError."""
        if platform.machine() != 'x86_64' or struct.calcsize('P') != 8:
            raise NotImplementedError(f'a ring in Python relies on the memory order of x86-64, this is {platform.machine()}')
        self._name = os.fsencode(name)
        if not 1 <= len(self._name) <= 255 or b'/' in self._name:
            raise ValueError(f'a name has 1 to 255 bytes and no slash: {name!r}')
        if not _SMALLEST <= size <= _LARGEST:
            raise ValueError(f'a ring has {_SMALLEST} to {_LARGEST} bytes, not {size}')
        self._path = b'/dev/shm/' + self._name
        self._ring = 1 << (size - 1).bit_length()
        self._memory = self._words = self._pidfd = self._made = None
        self._lost = self._ended = False
        self._out_at = self._out_tail = self._in_at = self._in_head = self._in_given = 0
        self._over_in = self._over_out = None
        self._create()

    def _create(self):
        total = _HEADER_BYTES + 2 * self._ring
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            self._made = os.fstat(fd)
            os.posix_fallocate(fd, 0, total)
            self._memory = mmap.mmap(fd, total)
        except BaseException:
            self._unlink()
            raise
        finally:
            os.close(fd)
        self._words = (ctypes.c_int32 * (total // 4)).from_buffer(self._memory)
        self._address = ctypes.addressof(self._words)
        header = struct.pack('=IIIIiiiIQ', _MAGIC, _VERSION, self._ring, total, 0, 0, os.getpid(), len(self._name), _start_of_this())
        self._memory[: len(header)] = header
        self._memory[_NAME_AT : _NAME_AT + len(self._name)] = self._name
        self._words[_READY] = 1

    def _unmap(self):
        if self._memory is not None:
            self._words = None
            self._memory.close()
            self._memory = None
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _unlink(self):
        """Removes the name, if it still is this segment's."""
        made, self._made = self._made, None
        try:
            if made is not None and os.path.samestat(os.lstat(self._path), made):
                os.unlink(self._path)
        except FileNotFoundError:
            pass

    def accept(self, timeout=None):
        """Waits for the one connector, and removes the name. Raises TimeoutError after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._pidfd is None:
            pid = self._words[_CLAIM]
            if pid == 0:
                self._sleep(_CLAIM, 0, deadline)
                continue
            self._unlink()
            try:
                self._pidfd = os.pidfd_open(pid)
            except OSError as error:
                if error.errno not in (errno.ESRCH, errno.EINVAL):
                    raise
                self._unmap()  # gone before it was met: the next one gets a segment of its own
                self._create()

    # -- words that both sides write: by the kernel alone

    def _futex(self, word, operation, value, time_or_value=None, encoded=0):
        at = self._address + 4 * word
        if _syscall(_SYS_FUTEX, at, operation, value, time_or_value, at, encoded) < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def _change(self, word, operation, argument):
        """Atomically sets or ORs `argument`, and wakes all who sleep on the word if it was not 0."""
        encoded = operation << 28 | _CMP_NE << 24 | (argument & 0xFFF) << 12
        self._futex(word, _FUTEX_WAKE_OP, 0, _EVERYBODY, encoded)

    def _sleep(self, word, value, deadline):
        """While the word is `value`; for a while at most. TimeoutError at the deadline."""
        left = _LOOK_S if deadline is None else min(_LOOK_S, deadline - time.monotonic())
        if left <= 0:
            raise TimeoutError
        try:
            self._futex(word, _FUTEX_WAIT, value, ctypes.byref(_Time(0, int(left * 1e9))))
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ETIMEDOUT, errno.EINTR):
                raise

    def _tell(self):
        """Wakes the peer, if it sleeps. Always through the kernel, which orders this after what was stored before."""
        self._change(_PEERS + _BELL, _OP_SET, 0)

    # -- the two rings

    @property
    def max_message_bytes(self):
        """The longest message: half of a ring less 8."""
        return self._ring // 2 - 8

    def try_send(self, data):
        """False where there is no room. Raises ValueError (too long), PeerGone, ProtocolError."""
        if self._ended:
            raise ValueError('this direction was ended')
        length = len(data)
        if length > self.max_message_bytes:
            raise ValueError(f'a message has at most {self.max_message_bytes} bytes, not {length}')
        self._check_tail()
        record = (8 + length + 7) & ~7
        straight = self._ring - self._out_at % self._ring
        need = record if record <= straight else straight + record
        if self._ring - (self._out_at - self._out_tail) < need:
            return False
        if record > straight:
            self._words[(_HEADER_BYTES + self._out_at % self._ring) // 4] = _SKIP
            self._out_at += straight
        at = _HEADER_BYTES + self._out_at % self._ring
        self._words[at // 4] = length
        self._words[at // 4 + 1] = 0
        self._memory[at + 8 : at + 8 + length] = bytes(data)
        self._out_at += record
        self._words[_MINE + _HEAD] = _signed(self._out_at)
        self._tell()
        return True

    def _check_tail(self):
        if self._over_out is not None:
            raise self._over_out
        given = (self._words[_PEERS + _TAIL] - self._out_tail) % 2**32
        if given > self._out_at - self._out_tail or given % 8:
            self._over_out = ProtocolError('the peer gave back what it never had')
            raise self._over_out
        self._out_tail += given
        if self._lost or self._words[_PEERS + _RECEIVER_END] != 0:
            self._over_out = PeerGone('the peer is gone')
            raise self._over_out

    def _fetch(self):
        """Whether more was published."""
        more = (self._words[_PEERS + _HEAD] - self._in_head) % 2**32
        if self._in_head + more - self._in_given > self._ring or more % 8:
            self._fail('published more than there is room')
        self._in_head += more
        return more > 0

    def _fail(self, what):
        self._over_in = ProtocolError(f'the peer {what}')
        raise self._over_in

    def _give_back(self):
        if self._in_given == self._in_at:
            return
        self._in_given = self._in_at
        self._words[_MINE + _TAIL] = _signed(self._in_at)
        self._tell()

    def _look(self):
        """Whether there is more than was seen; where the peer has ended and all is read, the end."""
        if self._fetch():
            return True
        self._give_back()
        ended = self._words[_PEERS + _SENDER_END]
        if ended == 0 and not self._lost:
            return False
        if self._fetch():  # what was published just before
            return True
        self._over_in = EOFError() if ended == 1 else PeerGone('the peer is gone')
        raise self._over_in

    def try_receive(self):
        """A message, or None where there is none yet. Raises EOFError at the end, PeerGone, ProtocolError."""
        while True:
            if self._over_in is not None:
                raise self._over_in
            unread = self._in_head - self._in_at
            if unread == 0:
                if not self._look():
                    return None
                continue
            at = _HEADER_BYTES + self._ring + self._in_at % self._ring
            straight = self._ring - self._in_at % self._ring
            length = self._words[at // 4]  # once: the peer may change it
            if length == _SKIP:
                if straight == self._ring or straight > unread:
                    self._fail('skipped more than it published')
                self._in_at += straight
                continue
            if not 0 <= length <= min(unread, straight) - 8:
                self._fail(f'announced a message of {length} bytes where it published fewer')
            message = self._memory[at + 8 : at + 8 + length]
            self._in_at += (8 + length + 7) & ~7
            if self._in_at - self._in_given >= self._ring // 8 or self._words[_PEERS + _BELL] & _WRITABLE:
                self._give_back()
            return message

    def _changed(self, interest):
        words = self._words
        if interest == _READABLE:
            return words[_PEERS + _HEAD] != _signed(self._in_head) or words[_PEERS + _SENDER_END] != 0
        return words[_PEERS + _TAIL] != _signed(self._out_tail) or words[_PEERS + _RECEIVER_END] != 0

    def _wait(self, interest, deadline):
        if self._pidfd is None:
            raise ValueError('nobody has connected; call accept first')
        life = select.poll()
        life.register(self._pidfd, select.POLLIN)
        bell, bits = _MINE + _BELL, interest | _BLOCKED
        try:
            while True:
                self._change(bell, _OP_OR, bits)
                value = self._words[bell]
                if self._changed(interest):
                    return
                if value & interest:
                    self._sleep(bell, value, deadline)
                if self._changed(interest):
                    return
                if life.poll(0):
                    self._lost = True
                    return
        finally:
            self._change(bell, _OP_SET, 0)

    def send(self, data, timeout=None):
        """Waits for room. Raises TimeoutError after `timeout` seconds, and as `try_send`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.try_send(data):
            self._wait(_WRITABLE, deadline)

    def receive(self, timeout=None):
        """Waits for a message; None at the end. Raises TimeoutError, PeerGone, ProtocolError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while (message := self.try_receive()) is None:
                self._wait(_READABLE, deadline)
            return message
        except EOFError:
            return None

    def end(self):
        """Nothing more will be sent; the peer reads all of it and then the end."""
        self._end(1)

    def _end(self, how):
        if not self._ended:
            self._ended = True
            self._words[_MINE + _SENDER_END] = how
            self._tell()

    def close(self):
        """Ends, and leaves: what is unread is lost, and the peer cannot send any more. Releases everything. Idempotent."""
        self._leave(1)

    def __exit__(self, kind, *_):
        self._leave(1 if kind is None else 2)

    def _leave(self, how):
        if self._memory is None:
            return
        if self._made is not None:
            self._unlink()
            if self._words[_CLAIM] == 0:
                self._change(_CLAIM, _OP_OR, _WITHDRAWN)  # or one came at this very moment: it sees this side leave
        self._end(how)
        self._words[_MINE + _RECEIVER_END] = 1
        self._tell()
        self._over_in = ValueError('the ring is closed')
        self._unmap()
