/*
 * An actor performs single system calls in a process of its own, one a request, and tells what came of
 * them: the experiments of the matrix are made of such calls. It has one thread.
 *
 * Each file of this folder is an area of calls, which lists them with ACTOR_CALLS. A call takes arguments
 * that are numbers or bytes, answers what the system call answered with errno as it stands, and adds what
 * the kernel wrote to the reply.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct actor_args actor_args;
typedef struct actor_reply actor_reply;

/* Arguments are counted from 0. One that is missing or of another kind ends the request as misuse. */
int64_t arg_number(const actor_args *args, size_t index);
void *arg_pointer(const actor_args *args, size_t index);
/* Bytes are followed by a zero byte, so that they are text as well. */
const char *arg_text(const actor_args *args, size_t index);
const void *arg_bytes(const actor_args *args, size_t index, size_t *length);
size_t arg_count(const actor_args *args);

void reply_number(actor_reply *reply, const char *key, int64_t value);
/* A repeated call's bytes are told apart: each occasion adds one value. */
void reply_bytes(actor_reply *reply, const char *key, const void *bytes, size_t length);

/* Room for what a call receives, kept until the next call asks for room. */
void *scratch(size_t length);

/* What this process did cannot be undone by `reset`: it serves one experiment alone. */
void taint(void);

typedef struct {
  const char *name;
  long (*perform)(const actor_args *args, actor_reply *reply);
} actor_call;

void actor_register(const actor_call *calls, size_t count);

#define ACTOR_CALLS(area, ...)                                                                                                   \
  __attribute__((constructor)) static void register_##area(void) {                                                               \
    static const actor_call calls[] = {__VA_ARGS__};                                                                             \
    actor_register(calls, sizeof calls / sizeof *calls);                                                                         \
  }

/* A call that answers an error number, as those of POSIX threads do, answers as a system call does. */
long from_error(int error);

/* --- the control connection (control.c) --- */

enum { CONTROL = 3 }; // the descriptor of the connection to the stage

/* Connects to the stage's socket at `path` and says which actor this is. Answers -1 where that fails. */
int control_connect(const char *path, const char *token);
/* The path that this process was connected by. */
const char *control_path(void);
/* Puts an image that was exec-ed in place of another back to work: tells the result of the call `sequence`. */
void control_resume(const char *path, const char *sequence);
/* The number of the request being performed. */
int64_t control_sequence(void);
/*
 * What is pending in all processes of a user counts, and others may have used up what there is: this one has room
 * beside that, as far as it may. getrlimit(2) RLIMIT_SIGPENDING
 */
void make_room_for_signals(void);
/* Serves until the stage is gone. */
void control_serve(void);
_Noreturn void actor_fail(const char *what);
