// peer MECHANISM ADDRESS [COUNT]: a program that knows ipc-playground by docs/wire.md alone. It receives COUNT messages
// (without it, all up to the end), and sends each back with every byte raised by one. A listener says "ready" first.
#define IPC_PLAYGROUND_IMPLEMENTATION
#include "ipc_playground.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MOST (1 << 20)
#define LARGE_RING (1 << 20)

static unsigned char buffer[MOST];

// How a message is received and sent, and how this side leaves. `get` answers with a length, or -1 at the end.
typedef struct {
  ssize_t (*get)(unsigned char **message);
  void (*put)(const unsigned char *message, size_t length);
  void (*leave)(void);
} transport;

static void stop(const char *what, int result) {
  fprintf(stderr, "%s: %s\n", what, ipc_describe(result));
  exit(1);
}

static int checked(long result, const char *what) {
  if (result < 0) stop(what, IPC_SYSTEM);
  return (int)result;
}

static void say(const char *text) {
  puts(text);
  fflush(stdout);
}

static void nothing(void) {}

// ---- frames over descriptors ------------------------------------------------------------------------

static int in_fd, out_fd;
static ipc_decoder decoder;

static ssize_t get_frame(unsigned char **message) {
  int result = ipc_frame_read(in_fd, &decoder);
  if (result == IPC_END) return -1;
  if (result < 0) stop("frame", result);
  *message = decoder.bytes;
  return (ssize_t)decoder.length;
}

static void put_frame(const unsigned char *message, size_t length) {
  int result = ipc_frame_write(out_fd, message, length);
  if (result < 0) stop("frame", result);
}

static void leave_stream(void) {
  ipc_decoder_free(&decoder);
  if (in_fd != out_fd) close(in_fd);
  close(out_fd);
}

static transport stream(int in, int out) {
  in_fd = in;
  out_fd = out;
  ipc_decoder_init(&decoder, IPC_MAX_MESSAGE_BYTES);
  return (transport){get_frame, put_frame, leave_stream};
}

static transport socket_stream(int fd) { return stream(fd, fd); }

// ---- sockets ----------------------------------------------------------------------------------------

static socklen_t unix_address(struct sockaddr_un *address, const char *path) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
  return sizeof *address;
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int connected_unix(int type, const char *path) {
  struct sockaddr_un address;
  socklen_t length = unix_address(&address, path);
  int fd = checked(socket(AF_UNIX, type, 0), "socket");
  checked(connect(fd, (struct sockaddr *)&address, length), "connect");
  return fd;
}

static int accepted(int listening) {
  checked(listen(listening, 1), "listen");
  say("ready");
  int fd = checked(accept(listening, NULL, NULL), "accept");
  close(listening);
  return fd;
}

static int accepted_unix(int type, const char *path) {
  struct sockaddr_un address;
  socklen_t length = unix_address(&address, path);
  int fd = checked(socket(AF_UNIX, type, 0), "socket");
  checked(bind(fd, (struct sockaddr *)&address, length), "bind");
  int connection = accepted(fd);
  unlink(path);
  return connection;
}

static int connected_tcp(int port) {
  struct sockaddr_in address = loopback(port);
  int fd = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
  checked(connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
  return fd;
}

static int accepted_tcp(void) {
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  int fd = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
  checked(bind(fd, (struct sockaddr *)&address, length), "bind");
  checked(getsockname(fd, (struct sockaddr *)&address, &length), "getsockname");
  printf("port %d\n", ntohs(address.sin_port));
  return accepted(fd);
}

static ssize_t get_record(unsigned char **message) {
  char ancillary[CMSG_SPACE(sizeof(struct ucred))];
  struct iovec part = {buffer, sizeof buffer};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary};
  ssize_t n = checked(recvmsg(in_fd, &header, 0), "recvmsg");
  *message = buffer;
  return n == 0 && header.msg_controllen == 0 ? -1 : n;
}

static void put_record(const unsigned char *message, size_t length) { checked(send(out_fd, message, length, 0), "send"); }
static void leave_socket(void) { close(in_fd); }

static transport records(int fd) {
  int on = 1;
  checked(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), "setsockopt");
  in_fd = out_fd = fd;
  return (transport){get_record, put_record, leave_socket};
}

static ssize_t get_datagram(unsigned char **message) {
  *message = buffer;
  return checked(recv(in_fd, buffer, sizeof buffer, 0), "recv");
}

// A bound socket, and its port.
static int datagram_socket(int *port) {
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  int fd = checked(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  checked(bind(fd, (struct sockaddr *)&address, length), "bind");
  checked(getsockname(fd, (struct sockaddr *)&address, &length), "getsockname");
  *port = ntohs(address.sin_port);
  return fd;
}

static void connect_datagrams(int fd, int port) {
  struct sockaddr_in address = loopback(port);
  checked(connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
}

static transport udp_channel(int port) {
  char text[257], nonce[17];
  int own, other = 0;
  in_fd = out_fd = datagram_socket(&own);
  int asking = checked(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  connect_datagrams(asking, port);
  snprintf(nonce, sizeof nonce, "%016llx", (unsigned long long)getpid() << 32 | (unsigned)time(NULL));
  while (other == 0) {
    int n = snprintf(text, sizeof text, "ipc-playground/1 hello %s %d", nonce, own);
    checked(send(asking, text, (size_t)n, 0), "hello");
    struct pollfd answered = {asking, POLLIN, 0};
    if (checked(poll(&answered, 1, 500), "poll") == 0) continue; // lost: say it again
    n = checked(recv(asking, text, sizeof text - 1, 0), "welcome");
    text[n] = 0;
    char found[17];
    if (sscanf(text, "ipc-playground/1 welcome %16s %d", found, &other) != 2 || strcmp(found, nonce) != 0) other = 0;
  }
  close(asking);
  connect_datagrams(in_fd, other);
  return (transport){get_datagram, put_record, leave_socket};
}

// ADDRESS is the port of Node's receiver; this side's own is told.
static transport udp_raw(int port) {
  int own;
  in_fd = datagram_socket(&own);
  out_fd = checked(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  connect_datagrams(out_fd, port);
  printf("port %d\n", own);
  say("ready");
  return (transport){get_datagram, put_record, leave_socket};
}

// ---- FIFOs ------------------------------------------------------------------------------------------

static int blocking(int fd) {
  checked(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), "fcntl");
  return fd;
}

static transport fifo_channel(const char *path, const char *hello) {
  char gate[4096], other[4096];
  snprintf(gate, sizeof gate, "%s.0", path);
  snprintf(other, sizeof other, "%s.1", path);
  int in = checked(open(gate, O_RDONLY | O_NONBLOCK | O_NOFOLLOW), gate);
  int out = checked(open(other, O_WRONLY | O_NONBLOCK | O_NOFOLLOW), other);
  struct stat opened, there;
  checked(fstat(in, &opened), "fstat");
  checked(lstat(gate, &there), gate);
  if (opened.st_ino != there.st_ino) stop(gate, IPC_NOT_FOUND);
  checked(unlink(gate), gate);
  checked(write(out, hello, 4), "hello");
  return stream(blocking(in), blocking(out));
}

static transport fifo_listener(const char *path) {
  char gate[4096], other[4096], hello[4];
  snprintf(gate, sizeof gate, "%s.0", path);
  snprintf(other, sizeof other, "%s.1", path);
  checked(mkfifo(other, 0600), other);
  checked(mkfifo(gate, 0600), gate);
  int spare = checked(open(gate, O_RDONLY | O_NONBLOCK), gate);
  int out = checked(open(gate, O_WRONLY | O_NONBLOCK), gate);
  int in = checked(open(other, O_RDONLY | O_NONBLOCK), other);
  int writer = checked(open(other, O_WRONLY | O_NONBLOCK), other);
  say("ready");
  blocking(in);
  for (size_t have = 0; have < sizeof hello;) have += (size_t)checked(read(in, hello + have, sizeof hello - have), "hello");
  if (memcmp(hello, "ipc1", 4) != 0) stop("hello", IPC_PROTOCOL);
  unlink(other);
  close(spare);
  close(writer);
  return stream(in, blocking(out));
}

static ssize_t get_bytes(unsigned char **message) {
  ssize_t n = checked(read(in_fd, buffer, sizeof buffer), "read");
  *message = buffer;
  return n == 0 ? -1 : n;
}

static void put_bytes(const unsigned char *message, size_t length) {
  for (size_t at = 0; at < length;) at += (size_t)checked(write(out_fd, message + at, length - at), "write");
}

// ADDRESS.in is read and ADDRESS.out is written: bytes, and nothing of ours.
static transport fifo_raw(const char *path) {
  char in[4096], out[4096];
  snprintf(in, sizeof in, "%s.in", path);
  snprintf(out, sizeof out, "%s.out", path);
  in_fd = checked(open(in, O_RDONLY), in);
  out_fd = checked(open(out, O_WRONLY), out);
  return (transport){get_bytes, put_bytes, leave_stream};
}

// ---- queues -----------------------------------------------------------------------------------------

static mqd_t in_queue, out_queue;

static ssize_t get_queued(unsigned char **message) {
  *message = buffer;
  return checked(mq_receive(in_queue, (char *)buffer, sizeof buffer, NULL), "mq_receive");
}

static void put_queued(const unsigned char *message, size_t length) {
  checked(mq_send(out_queue, (const char *)message, length, 0), "mq_send");
}

static void leave_queues(void) {
  mq_close(in_queue);
  mq_close(out_queue);
}

static transport posix_queues(const char *name, const char *in_suffix, const char *out_suffix, bool channel) {
  char in[300], out[300];
  snprintf(in, sizeof in, "/%s%s", name, in_suffix);
  snprintf(out, sizeof out, "/%s%s", name, out_suffix);
  in_queue = checked(mq_open(in, O_RDONLY), in);
  out_queue = checked(mq_open(out, O_WRONLY), out);
  if (channel) {
    checked(mq_unlink(in), in);
    checked(mq_unlink(out), out);
    checked(mq_send(out_queue, "", 0, 32767), "hello");
  }
  return (transport){get_queued, put_queued, leave_queues};
}

static key_t key_of(const char *name, const char *suffix) {
  uint32_t key = 0x811c9dc5;
  for (const char *part = name; part != NULL; part = part == name ? suffix : NULL)
    for (const char *at = part; *at != 0; at++) key = (key ^ (unsigned char)*at) * 0x01000193;
  return key == 0 ? 1 : (key_t)key;
}

#define TICKET (1L << 32)
#define MEMBER (TICKET + 1)

static struct {
  long type;
  unsigned char bytes[65536];
} entry;
static int in_id, out_id;
static long in_type, out_type;

static ssize_t get_entry(unsigned char **message) {
  *message = entry.bytes;
  return checked(msgrcv(in_id, &entry, sizeof entry.bytes, in_type, 0), "msgrcv");
}

static void put_entry(const unsigned char *message, size_t length) {
  entry.type = out_type;
  if (length > 0) memmove(entry.bytes, message, length);
  checked(msgsnd(out_id, &entry, length, 0), "msgsnd");
}

static void leave_entries(void) {
  const int ids[] = {in_id, out_id};
  for (int i = 0; i < 2; i++)
    if (msgrcv(ids[i], &entry, sizeof entry.bytes, MEMBER, IPC_NOWAIT) < 0) msgctl(ids[i], IPC_RMID, NULL);
}

static transport sysv_channel(const char *name) {
  in_id = checked(msgget(key_of(name, ".0"), 0), "msgget");
  out_id = checked(msgget(key_of(name, ".1"), 0), "msgget");
  in_type = out_type = 1;
  checked(msgrcv(in_id, &entry, sizeof entry.bytes, TICKET, IPC_NOWAIT), "ticket");
  entry.type = MEMBER;
  checked(msgsnd(in_id, &entry, 0, 0), "member");
  checked(msgsnd(out_id, &entry, 0, 0), "member");
  put_entry(NULL, 0); // hello
  return (transport){get_entry, put_entry, leave_entries};
}

// ADDRESS is the key of one queue; this side takes the type 7 and answers with 8.
static transport sysv_raw(const char *key) {
  in_id = out_id = checked(msgget((key_t)strtoul(key, NULL, 0), 0), "msgget");
  in_type = 7;
  out_type = 8;
  return (transport){get_entry, put_entry, nothing};
}

// ---- semaphores: a message is a token ---------------------------------------------------------------

static sem_t *in_semaphore, *out_semaphore;

static ssize_t get_token(unsigned char **message) {
  *message = buffer;
  return checked(sem_wait(in_semaphore), "sem_wait");
}

static void put_token(const unsigned char *message, size_t length) {
  (void)message, (void)length;
  checked(sem_post(out_semaphore), "sem_post");
}

static sem_t *semaphore(const char *name) {
  sem_t *found = sem_open(name, 0);
  if (found == SEM_FAILED) stop(name, IPC_SYSTEM);
  return found;
}

static transport posix_semaphores(const char *name) {
  char in[300], out[300];
  snprintf(in, sizeof in, "/%s.0", name);
  snprintf(out, sizeof out, "/%s.1", name);
  in_semaphore = semaphore(in);
  out_semaphore = semaphore(out);
  checked(sem_unlink(in), in);
  checked(sem_unlink(out), out);
  put_token(NULL, 0); // hello
  return (transport){get_token, put_token, nothing};
}

static int set;

static void change(int first, int by, int second, int also) {
  struct sembuf changes[2] = {{(unsigned short)first, (short)by, 0}, {(unsigned short)second, (short)also, IPC_NOWAIT}};
  checked(semop(set, changes, second < 0 ? 1 : 2), "semop");
}

static ssize_t get_unit(unsigned char **message) {
  *message = buffer;
  change(0, -1, -1, 0);
  return 0;
}

static void put_unit(const unsigned char *message, size_t length) {
  (void)message, (void)length;
  change(1, 1, -1, 0);
}

static void leave_set(void) {
  change(3, -1, -1, 0);
  if (semctl(set, 3, GETVAL) == 0) semctl(set, 0, IPC_RMID);
}

static transport sysv_semaphores(const char *name) {
  set = checked(semget(key_of(name, ""), 4, 0), "semget");
  change(3, 1, 2, -1); // one more member, the ticket taken
  put_unit(NULL, 0);   // hello
  return (transport){get_unit, put_unit, leave_set};
}

// ---- signals ----------------------------------------------------------------------------------------

static pid_t answers_to, answers_to_thread;

// The thread that receives for Node, by its name.
static pid_t receiving_thread(pid_t pid) {
  char path[300], name[32] = "";
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (tasks == NULL) stop(path, IPC_SYSTEM);
  pid_t found = 0;
  for (struct dirent *task; found == 0 && (task = readdir(tasks)) != NULL;) {
    snprintf(path, sizeof path, "/proc/%d/task/%s/comm", pid, task->d_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    if (fgets(name, sizeof name, file) != NULL && strcmp(name, "ipc-rt-raw\n") == 0) found = atoi(task->d_name);
    fclose(file);
  }
  closedir(tasks);
  return found;
}

static ssize_t get_signal(unsigned char **message) {
  sigset_t data;
  siginfo_t info;
  sigemptyset(&data);
  sigaddset(&data, SIGRTMIN + 6);
  checked(sigwaitinfo(&data, &info), "sigwaitinfo");
  for (int i = 0; i < 4; i++) buffer[i] = (unsigned char)((unsigned)info.si_value.sival_int >> (8 * i));
  *message = buffer;
  return 4;
}

static void put_signal(const unsigned char *message, size_t length) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  for (size_t i = 0; i < length; i++) info.si_value.sival_int |= (int)((unsigned)message[i] << (8 * i));
  checked(syscall(SYS_rt_tgsigqueueinfo, answers_to, answers_to_thread, SIGRTMIN + 6, &info), "rt_tgsigqueueinfo");
}

static transport signals(pid_t pid) {
  sigset_t data;
  sigemptyset(&data);
  sigaddset(&data, SIGRTMIN + 6);
  sigprocmask(SIG_BLOCK, &data, NULL);
  answers_to = pid;
  answers_to_thread = receiving_thread(pid);
  if (answers_to_thread == 0) stop("thread", IPC_NOT_FOUND);
  say("ready");
  return (transport){get_signal, put_signal, nothing};
}

// ---- the ring ---------------------------------------------------------------------------------------

static ipc_ring *ring;

static ssize_t get_from_ring(unsigned char **message) {
  int n = ipc_ring_receive(ring, buffer, sizeof buffer, -1);
  if (n == IPC_END) return -1;
  if (n < 0) stop("ring", n);
  *message = buffer;
  return n;
}

static void put_in_ring(const unsigned char *message, size_t length) {
  int result = ipc_ring_send(ring, message, length, -1);
  if (result < 0) stop("ring", result);
}

static void leave_ring(void) {
  ipc_ring_end(ring);
  ipc_ring_close(ring);
}

static const transport over_ring = {get_from_ring, put_in_ring, leave_ring};

static transport ring_connector(const char *name) {
  int result = ipc_ring_connect(&ring, name);
  if (result < 0) stop("ring", result);
  return over_ring;
}

static transport ring_listener(const char *name, size_t bytes) {
  int result = ipc_ring_listen(&ring, name, bytes);
  if (result < 0) stop("ring", result);
  say("ready");
  result = ipc_ring_accept(ring, -1);
  if (result < 0) stop("ring", result);
  return over_ring;
}

// ---- peers that break the rules ---------------------------------------------------------------------

// Writes these bytes raw, and dies at once.
static void die_after(int fd, const char *bytes, size_t length) {
  checked(write(fd, bytes, length), "write");
  kill(getpid(), SIGKILL);
}

// A frame that is announced with 4 GiB, and an orderly wait for what comes of it.
static void announce_too_much(int fd) {
  checked(write(fd, "\xff\xff\xff\xff", 4), "write");
  while (read(fd, buffer, sizeof buffer) > 0);
}

// A segment of the version after next.
static void other_version(const char *name) {
  int result = ipc_ring_listen(&ring, name, 4096);
  if (result < 0) stop("ring", result);
  ipc__store(ipc__word(ring, IPC__AT_VERSION), IPC__RING_VERSION + 2);
  say("ready");
  getchar();
  ipc_ring_close(ring);
}

// A peer that publishes more than there is.
static void publish_too_much(const char *name) {
  ring_connector(name);
  ipc__store(ipc__mine(ring, IPC__HEAD), ring->ring + 8);
  ipc__ring(ring, IPC__READABLE);
  getchar();
  ipc_ring_close(ring);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const char *mechanism = argv[1], *address = argv[2];
  const long count = argc > 3 ? atol(argv[3]) : -1;
  transport over;
  signal(SIGPIPE, SIG_IGN);
#define IS(name) (strcmp(mechanism, name) == 0)
  if (IS("unix")) over = socket_stream(connected_unix(SOCK_STREAM, address));
  else if (IS("unix-listen")) over = socket_stream(accepted_unix(SOCK_STREAM, address));
  else if (IS("tcp")) over = socket_stream(connected_tcp(atoi(address)));
  else if (IS("tcp-listen")) over = socket_stream(accepted_tcp());
  else if (IS("seqpacket")) over = records(connected_unix(SOCK_SEQPACKET, address));
  else if (IS("seqpacket-listen")) over = records(accepted_unix(SOCK_SEQPACKET, address));
  else if (IS("udp")) over = udp_channel(atoi(address));
  else if (IS("udp-raw")) over = udp_raw(atoi(address));
  else if (IS("fifo")) over = fifo_channel(address, "ipc1");
  else if (IS("fifo-listen")) over = fifo_listener(address);
  else if (IS("fifo-raw")) over = fifo_raw(address);
  else if (IS("mq")) over = posix_queues(address, ".0", ".1", true);
  else if (IS("mq-raw")) over = posix_queues(address, ".in", ".out", false);
  else if (IS("sysv")) over = sysv_channel(address);
  else if (IS("sysv-raw")) over = sysv_raw(address);
  else if (IS("sem")) over = posix_semaphores(address);
  else if (IS("semset")) over = sysv_semaphores(address);
  else if (IS("signal")) over = signals(atoi(address));
  else if (IS("ring")) over = ring_connector(address);
  else if (IS("ring-listen")) over = ring_listener(address, LARGE_RING);
  else if (IS("half-header")) return die_after(connected_unix(SOCK_STREAM, address), "\x10\0", 2), 1;
  else if (IS("half-message")) return die_after(connected_unix(SOCK_STREAM, address), "\x10\0\0\0half", 8), 1;
  else if (IS("too-much")) return announce_too_much(connected_unix(SOCK_STREAM, address)), 0;
  else if (IS("fifo-version")) return fifo_channel(address, "ipc9"), getchar(), 0;
  else if (IS("ring-version")) return other_version(address), 0;
  else if (IS("ring-too-much")) return publish_too_much(address), 0;
  else return 2;
  unsigned char *message;
  ssize_t length;
  for (long done = 0; done != count && (length = over.get(&message)) >= 0; done++) {
    for (ssize_t i = 0; i < length; i++) message[i]++;
    over.put(message, (size_t)length);
  }
  over.leave();
  return 0;
}
