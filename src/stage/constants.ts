/** Constants of Linux that Node does not have, by the names of the manual pages; alike on x86-64 and arm64. */

import { constants as files } from 'node:fs'
import { constants } from 'node:os'
import type { Constant } from './call.js'

const named = <K extends string>(values: Readonly<Record<K, number>>): Readonly<Record<K, Constant>> => {
  const made: Partial<Record<K, Constant>> = {}
  for (const text of Object.keys(values) as K[]) made[text] = { text, value: values[text] }
  return made as Record<K, Constant>
}

/** Flags together: `either(O_CREAT, O_EXCL)`. */
export const either = (...flags: readonly Constant[]): Constant => ({
  text: flags.map(({ text }) => text).join('|') || '0',
  value: flags.reduce((all, { value }) => all | value, 0),
})

/** File modes, as they are written. */
export const mode = (value: number): Constant => ({ text: `0${value.toString(8)}`, value })

const { SIGKILL, SIGSTOP, SIGCONT, SIGUSR1, SIGUSR2, SIGPIPE, SIGIO, SIGALRM, SIGTERM, SIGBUS, SIGSEGV } = constants.signals
const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NONBLOCK, O_TRUNC, O_APPEND, O_DIRECT } = files

export const K = named({
  ...{ O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NONBLOCK, O_TRUNC, O_APPEND, O_DIRECT },
  O_ASYNC: 0o20000,
  O_CLOEXEC: 0o2000000,
  ...{ SIGKILL, SIGSTOP, SIGCONT, SIGUSR1, SIGUSR2, SIGPIPE, SIGIO, SIGALRM, SIGTERM, SIGBUS, SIGSEGV },
  SIG_BLOCK: 0,
  SIG_UNBLOCK: 1,
  SIG_SETMASK: 2,
  SA_RESTART: 0x10000000,
  SA_NODEFER: 0x40000000,
  // fcntl(2)
  F_DUPFD: 0,
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  F_SETLK: 6,
  F_SETOWN: 8,
  F_SETSIG: 10,
  F_OFD_SETLK: 37,
  F_OFD_SETLKW: 38,
  F_SETPIPE_SZ: 1031,
  F_GETPIPE_SZ: 1032,
  F_ADD_SEALS: 1033,
  F_GET_SEALS: 1034,
  FD_CLOEXEC: 1,
  F_RDLCK: 0,
  F_WRLCK: 1,
  F_UNLCK: 2,
  F_SEAL_SEAL: 1,
  F_SEAL_SHRINK: 2,
  F_SEAL_GROW: 4,
  F_SEAL_WRITE: 8,
  F_SEAL_FUTURE_WRITE: 16,
  MFD_CLOEXEC: 1,
  MFD_ALLOW_SEALING: 2,
  LOCK_SH: 1,
  LOCK_EX: 2,
  LOCK_NB: 4,
  LOCK_UN: 8,
  FIONREAD: 0x541b,
  SIOCOUTQ: 0x5411,
  SIOCATMARK: 0x8905,
  // poll(2), epoll(7)
  POLLIN: 1,
  POLLPRI: 2,
  POLLOUT: 4,
  POLLERR: 8,
  POLLHUP: 16,
  POLLRDHUP: 0x2000,
  EPOLLIN: 1,
  EPOLLOUT: 4,
  EPOLLET: 0x80000000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  // System V
  IPC_CREAT: 0o1000,
  IPC_EXCL: 0o2000,
  IPC_NOWAIT: 0o4000,
  IPC_RMID: 0,
  IPC_SET: 1,
  IPC_STAT: 2,
  SEM_UNDO: 0x1000,
  GETPID: 11,
  GETVAL: 12,
  GETNCNT: 14,
  GETZCNT: 15,
  SETVAL: 16,
  MSG_NOERROR: 0o10000,
  MSG_EXCEPT: 0o20000,
  MSG_COPY: 0o40000,
  SHM_RDONLY: 0o10000,
  SHM_RND: 0o20000,
  // mmap(2)
  PROT_READ: 1,
  PROT_WRITE: 2,
  MAP_SHARED: 1,
  MAP_PRIVATE: 2,
  // sockets
  AF_UNIX: 1,
  AF_INET: 2,
  AF_NETLINK: 16,
  AF_PACKET: 17,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_SEQPACKET: 5,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_BROADCAST: 6,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_NO_CHECK: 11,
  SO_LINGER: 13,
  SO_REUSEPORT: 15,
  SO_PASSCRED: 16,
  SO_PEERCRED: 17,
  SO_RCVTIMEO: 20,
  SO_SNDTIMEO: 21,
  SO_MEMINFO: 55,
  IPPROTO_IP: 0,
  IPPROTO_IGMP: 2,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  TCP_INFO: 11,
  TCP_CONGESTION: 13,
  IP_TTL: 2,
  IP_MULTICAST_IF: 32,
  IP_MULTICAST_TTL: 33,
  IP_MULTICAST_LOOP: 34,
  IP_ADD_MEMBERSHIP: 35,
  IP_DROP_MEMBERSHIP: 36,
  MSG_OOB: 1,
  MSG_PEEK: 2,
  MSG_CTRUNC: 8,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  SHUT_RD: 0,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  // capabilities(7)
  CAP_KILL: 5,
  // namespaces
  CLONE_NEWNS: 0x20000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  // mount(2)
  MS_PRIVATE: 1 << 18,
  MS_REC: 0x4000,
  // getrlimit(2)
  RLIMIT_CORE: 4,
  RLIMIT_NOFILE: 7,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  WNOHANG: 1,
})
