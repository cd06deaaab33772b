/** Rows 38 and up of the peer cases: what is observed already and by what, what is not ours to keep, and what has no place yet. */
import type { SubjectKey } from 'ipc-playground/matrix'

export type Cover =
  | { readonly cell: readonly [property: `P${number}`, subject: SubjectKey] }
  /** A file of test/matrix/traps. */
  | { readonly trap: `t${number}` }
  /** The title of a case of the conformance suite. */
  | { readonly conformance: string }

const cells = (property: `P${number}`, ...subjects: readonly SubjectKey[]): readonly Cover[] =>
  subjects.map((subject) => ({ cell: [property, subject] }))
const conformance = (...titles: readonly string[]): readonly Cover[] => titles.map((title) => ({ conformance: title }))

export const coveredMore: Readonly<Record<string, readonly Cover[]>> = {
  'LTP pipe/pipe12': [...cells('P14', 'pipe'), { trap: 't03' }],
  'LTP pipe/pipe11': cells('P18', 'pipe'),
  'LTP pipe/pipe08': cells('P26', 'pipe'),
  'LTP pipe/pipe14': cells('P22', 'pipe'),
  'LTP futex/futex_wait05': cells('P40', 'pshm', 'svshm', 'memfd'),
  'iceoryx2 send_will_return_receiver_cache_full_when_cache_is_full': conformance(
    'trySend says when it is full, and nothing that it took is lost',
  ),
  'iceoryx2 safe_overflow_works': cells('P16', 'sig', 'udp'),
  'iceoryx2 connecting_after_first_connection_has_dropped_works': conformance(
    'a server serves as many peers as it declares',
    'a peer killed in the middle of a flood leaves the name usable',
  ),
  'libuv ipc_send_zero': [...cells('P09', 'ustream', 'pipe'), ...conformance('a message without bytes is a message, and not the end')],
  'libuv test-ipc-send-recv': cells('P34', 'ustream', 'udgram', 'useq'),
  'libuv test-udp-dgram-too-big': cells('P07', 'udp'),
  'libuv test-udp-recvmsg-unreachable-error': cells('P26', 'udp'),
  'CPython test_shared_memory_cleaned_after_process_termination': conformance(
    'what a killed listener left is swept, and its name is free again; a living one’s is left alone',
    'after both sides were killed nothing remains once it is swept',
  ),
}

/** Why there is no case here. */
export const elsewhere: Readonly<Record<string, string>> = {
  'posix_ipc test_name_as_bytes': 'names are strings here: bytes are refused by the types',
  'Node test-net-reuseport': 'the option came with Node 22.12; of the kernel it is the case of libuv test-udp-reuseport',
  'Node test-dgram-reuseport': 'the option came with Node 22.12; of the kernel it is the case of libuv test-udp-reuseport',
}

/** For the network lab, which sees the segments. */
export const later: Readonly<Record<string, string>> = {
  'packetdrill tcp/close: the order of FIN and ACK on the wire': 'the loopback interface shows states, and no segments',
  'packetdrill tcp/close: simultaneous close, CLOSING': 'two FINs have to be under way at one time',
  'packetdrill close-on-syn-sent': 'that no RST follows is seen on the wire alone',
  'packetdrill user_timeout': 'needs a wire that loses what is sent',
  'packetdrill tcp-info-rwnd-limited': 'needs a wire with a delay, so that the window is what limits',
}
