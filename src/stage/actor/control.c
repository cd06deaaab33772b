/*
 * Lines over a stream socket. A request is `SEQUENCE ANNOUNCE REPEAT NAME ARGUMENT…`; an argument is iNUMBER,
 * xHEX, fLENGTH:BYTE (a filling) or nWIDTH (the number of the repetition, in little-endian bytes).
 *
 *   H TOKEN PID                       this actor has come
 *   C SEQUENCE                        it is about to call, if ANNOUNCE was 1
 *   R SEQUENCE RESULT ERROR KEY=VALUE…  what came of it; of a repeated call: how the last one ended
 *   X SEQUENCE TEXT                   the request was no request
 */
#include "actor.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_CALLS = 256, MAX_ARGS = 32 };

typedef struct {
  enum { NUMBER, BYTES, COUNTER } kind;
  int64_t number;
  uint8_t *bytes;
  size_t length;
} argument;

struct actor_args {
  argument list[MAX_ARGS];
  size_t count;
  int64_t turn;
};

struct actor_reply {
  char *text;
  size_t length, room;
};

static const actor_call *known[MAX_CALLS];
static size_t known_count;
static char socket_path[108];
static int64_t sequence;
static jmp_buf misused;
static const char *misuse_text;

void actor_fail(const char *what) {
  fprintf(stderr, "actor %d: %s: %s\n", getpid(), what, strerror(errno));
  _exit(127);
}

static void *grow(void *old, size_t room) {
  void *grown = realloc(old, room);
  if (grown == NULL) actor_fail("realloc");
  return grown;
}

void actor_register(const actor_call *calls, size_t count) {
  for (size_t at = 0; at < count && known_count < MAX_CALLS; at++) known[known_count++] = &calls[at];
}

_Noreturn static void misuse(const char *text) {
  misuse_text = text;
  longjmp(misused, 1);
}

static const argument *argument_at(const actor_args *args, size_t index) {
  if (index >= args->count) misuse("an argument is missing");
  return &args->list[index];
}

int64_t arg_number(const actor_args *args, size_t index) {
  const argument *found = argument_at(args, index);
  if (found->kind == BYTES) misuse("bytes where a number belongs");
  return found->kind == COUNTER ? args->turn : found->number;
}

void *arg_pointer(const actor_args *args, size_t index) { return (void *)(uintptr_t)arg_number(args, index); }

const void *arg_bytes(const actor_args *args, size_t index, size_t *length) {
  const argument *found = argument_at(args, index);
  if (found->kind == NUMBER) misuse("a number where bytes belong");
  *length = found->length;
  return found->bytes;
}

const char *arg_text(const actor_args *args, size_t index) {
  size_t length;
  return arg_bytes(args, index, &length);
}

size_t arg_count(const actor_args *args) { return args->count; }

long from_error(int error) {
  errno = error;
  return error == 0 ? 0 : -1;
}

void *scratch(size_t length) {
  static void *room;
  room = grow(room, length + 1);
  return room;
}

/* --- replies --- */

static char *reply_room(actor_reply *reply, size_t more) {
  if (reply->length + more > reply->room) reply->text = grow(reply->text, reply->room = 2 * (reply->length + more));
  return reply->text + reply->length;
}

void reply_number(actor_reply *reply, const char *key, int64_t value) {
  size_t room = strlen(key) + 32;
  reply->length += (size_t)snprintf(reply_room(reply, room), room, " %s=%" PRId64, key, value);
}

void reply_bytes(actor_reply *reply, const char *key, const void *bytes, size_t length) {
  static const char digits[] = "0123456789abcdef";
  size_t room = strlen(key) + 4 + 2 * length;
  char *at = reply_room(reply, room);
  char *end = at + snprintf(at, room, " %s=x", key);
  for (size_t index = 0; index < length; index++) {
    *end++ = digits[((const uint8_t *)bytes)[index] >> 4];
    *end++ = digits[((const uint8_t *)bytes)[index] & 15];
  }
  reply->length += (size_t)(end - at);
}

static void send_all(const char *text, size_t length) {
  while (length > 0) {
    ssize_t sent = send(CONTROL, text, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) _exit(0); // the stage is gone
    text += sent;
    length -= (size_t)sent;
  }
}

/* --- requests --- */

static uint8_t digit(char character) {
  if (character >= '0' && character <= '9') return (uint8_t)(character - '0');
  if (character >= 'a' && character <= 'f') return (uint8_t)(character - 'a' + 10);
  misuse("a byte is no hexadecimal number");
}

static void parse_argument(const char *word, argument *into) {
  *into = (argument){.kind = BYTES};
  switch (word[0]) {
  case 'i':
    *into = (argument){.kind = NUMBER, .number = strtoll(word + 1, NULL, 10)};
    return;
  case 'x':
    into->length = strlen(word + 1) / 2;
    break;
  case 'f':
  case 'n':
    into->length = strtoull(word + 1, NULL, 10);
    break;
  default:
    misuse("an argument of no kind");
  }
  into->bytes = grow(NULL, into->length + 1);
  into->bytes[into->length] = 0;
  if (word[0] == 'x')
    for (size_t at = 0; at < into->length; at++) into->bytes[at] = (uint8_t)(digit(word[1 + 2 * at]) << 4 | digit(word[2 + 2 * at]));
  const char *colon = strchr(word, ':');
  if (word[0] == 'f') memset(into->bytes, colon == NULL ? 0 : atoi(colon + 1), into->length);
  if (word[0] == 'n') into->kind = COUNTER;
}

static void count_turn(actor_args *args, int64_t turn) {
  args->turn = turn;
  for (size_t at = 0; at < args->count; at++)
    if (args->list[at].kind == COUNTER)
      for (size_t byte = 0; byte < args->list[at].length; byte++)
        args->list[at].bytes[byte] = byte < sizeof turn ? (uint8_t)(turn >> (8 * byte)) : 0;
}

static const actor_call *call_named(const char *name) {
  for (size_t at = 0; at < known_count; at++)
    if (strcmp(known[at]->name, name) == 0) return known[at];
  misuse("there is no such call");
}

static const char *error_name(int error) {
  const char *name = strerrorname_np(error);
  return name == NULL ? "E?" : name;
}

static void tell(long result, int error, const actor_reply *extra) {
  char head[96];
  int length = snprintf(head, sizeof head, "R %" PRId64 " %ld %s", sequence, result, result < 0 ? error_name(error) : "-");
  send_all(head, (size_t)length);
  if (extra != NULL) send_all(extra->text, extra->length);
  send_all("\n", 1);
}

static void perform(char *line) {
  static actor_args args;
  actor_reply reply = {0};
  char *rest = line;
  args.count = 0;
  sequence = strtoll(strsep(&rest, " "), NULL, 10);
  if (setjmp(misused) == 0) {
    const char *announce = strsep(&rest, " "), *repeat = strsep(&rest, " "), *name = strsep(&rest, " ");
    if (name == NULL) misuse("a request is too short");
    int64_t turns = strtoll(repeat, NULL, 10), turn = 0, sum = 0;
    const actor_call *call = call_named(name);
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
      if (args.count == MAX_ARGS) misuse("too many arguments");
      parse_argument(word, &args.list[args.count++]);
    }
    if (announce[0] == '1') {
      char text[32];
      send_all(text, (size_t)snprintf(text, sizeof text, "C %" PRId64 "\n", sequence));
    }
    long result = 0;
    int error = 0;
    for (; turn < turns; turn++) {
      count_turn(&args, turn);
      errno = 0;
      result = call->perform(&args, &reply);
      error = errno;
      if (result < 0) break;
      sum += result;
    }
    if (turns != 1) {
      reply_number(&reply, "times", turn);
      reply_number(&reply, "sum", sum);
    }
    tell(result, error, &reply);
  } else {
    char text[160];
    send_all(text, (size_t)snprintf(text, sizeof text, "X %" PRId64 " %s\n", sequence, misuse_text));
  }
  for (size_t at = 0; at < args.count; at++) free(args.list[at].bytes);
  free(reply.text);
}

void control_serve(void) {
  static char *text;
  static size_t length, room;
  for (;;) {
    char *newline;
    while (length > 0 && (newline = memchr(text, '\n', length)) != NULL) {
      *newline = 0;
      size_t taken = (size_t)(newline - text) + 1;
      // Whatever is forked meanwhile starts with nothing left to serve.
      char *line = strdup(text);
      if (line == NULL) actor_fail("strdup");
      length -= taken;
      memmove(text, text + taken, length);
      perform(line);
      free(line);
    }
    if (room - length < 4096) text = grow(text, room = 2 * room + 8192);
    ssize_t got = recv(CONTROL, text + length, room - length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    length += (size_t)got;
  }
}

int control_connect(const char *path, const char *token) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return from_error(ENAMETOOLONG);
  strcpy(address.sun_path, path);
  memmove(socket_path, address.sun_path, sizeof socket_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return -1;
  if (fd != CONTROL) {
    if (dup3(fd, CONTROL, O_CLOEXEC) < 0) return -1;
    close(fd);
  }
  // The pid by which the stage knows this process, though it be in a namespace of its own.
  char pid[16] = {0}, hello[96];
  if (readlink("/proc/self", pid, sizeof pid - 1) < 0) return -1;
  int length = snprintf(hello, sizeof hello, "H %s %s\n", token, pid);
  send_all(hello, (size_t)length);
  return 0;
}

void control_resume(const char *path, const char *number) {
  snprintf(socket_path, sizeof socket_path, "%s", path);
  sequence = strtoll(number, NULL, 10);
  fcntl(CONTROL, F_SETFD, FD_CLOEXEC);
  tell(0, 0, NULL);
}

const char *control_path(void) { return socket_path; }
int64_t control_sequence(void) { return sequence; }
