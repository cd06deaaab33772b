/* Files, pipes, FIFOs, locks on files, and waiting for descriptors. */
#include "actor.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static long do_open(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return open(arg_text(args, 0), (int)arg_number(args, 1), (mode_t)arg_number(args, 2));
}

static long do_close(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return close((int)arg_number(args, 0));
}

static long do_read(const actor_args *args, actor_reply *reply) {
  size_t room = (size_t)arg_number(args, 1);
  void *data = scratch(room);
  long result = read((int)arg_number(args, 0), data, room);
  if (result >= 0) reply_bytes(reply, "data", data, (size_t)result);
  return result;
}

/* Reads and tells the length alone: for what is too much to tell. */
static long do_drain(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t room = (size_t)arg_number(args, 1);
  long result = read((int)arg_number(args, 0), scratch(room), room);
  return result;
}

static long do_write(const actor_args *args, actor_reply *reply) {
  (void)reply;
  size_t length;
  const void *data = arg_bytes(args, 1, &length);
  return write((int)arg_number(args, 0), data, length);
}

static long do_pipe2(const actor_args *args, actor_reply *reply) {
  int ends[2];
  long result = pipe2(ends, (int)arg_number(args, 0));
  if (result < 0) return result;
  reply_number(reply, "read", ends[0]);
  reply_number(reply, "write", ends[1]);
  return result;
}

static long do_mkdir(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return mkdir(arg_text(args, 0), (mode_t)arg_number(args, 1));
}

static long do_mkfifo(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return mkfifo(arg_text(args, 0), (mode_t)arg_number(args, 1));
}

static long do_unlink(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return unlink(arg_text(args, 0));
}

/* readlink(path): the text of a symbolic link. */
static long do_readlink(const actor_args *args, actor_reply *reply) {
  char *text = scratch(PATH_MAX);
  long result = readlink(arg_text(args, 0), text, PATH_MAX);
  if (result >= 0) reply_bytes(reply, "data", text, (size_t)result);
  return result;
}

static long do_chmod(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return chmod(arg_text(args, 0), (mode_t)arg_number(args, 1));
}

static long tell_stat(long result, const struct stat *found, actor_reply *reply) {
  if (result < 0) return result;
  reply_number(reply, "mode", found->st_mode);
  reply_number(reply, "size", found->st_size);
  reply_number(reply, "blocks", found->st_blocks);
  reply_number(reply, "uid", found->st_uid);
  reply_number(reply, "links", (int64_t)found->st_nlink);
  return result;
}

static long do_stat(const actor_args *args, actor_reply *reply) {
  struct stat found;
  return tell_stat(lstat(arg_text(args, 0), &found), &found, reply);
}

static long do_fstat(const actor_args *args, actor_reply *reply) {
  struct stat found;
  return tell_stat(fstat((int)arg_number(args, 0), &found), &found, reply);
}

static long do_dup(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return dup((int)arg_number(args, 0));
}

/* Of commands whose argument is a number. */
static long do_fcntl(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return fcntl((int)arg_number(args, 0), (int)arg_number(args, 1), arg_number(args, 2));
}

/* An open-file-description or process lock over the whole file: fcntl_lock(fd, command, type). */
static long do_fcntl_lock(const actor_args *args, actor_reply *reply) {
  struct flock lock = {.l_type = (short)arg_number(args, 2), .l_whence = SEEK_SET};
  long result = fcntl((int)arg_number(args, 0), (int)arg_number(args, 1), &lock);
  if (result >= 0) reply_number(reply, "type", lock.l_type);
  return result;
}

static long do_flock(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return flock((int)arg_number(args, 0), (int)arg_number(args, 1));
}

/* Of requests that answer a number in an int: FIONREAD, SIOCOUTQ, SIOCATMARK. */
static long do_ioctl(const actor_args *args, actor_reply *reply) {
  int value = 0;
  long result = ioctl((int)arg_number(args, 0), (unsigned long)arg_number(args, 1), &value);
  if (result >= 0) reply_number(reply, "value", value);
  return result;
}

static long do_ftruncate(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return ftruncate((int)arg_number(args, 0), arg_number(args, 1));
}

/* fallocate(fd, offset, length): room that is really there, not a hole. */
static long do_fallocate(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return fallocate((int)arg_number(args, 0), 0, arg_number(args, 1), arg_number(args, 2));
}

/* lseek(fd, offset) from the start. */
static long do_lseek(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return lseek((int)arg_number(args, 0), arg_number(args, 1), SEEK_SET);
}

static long do_memfd_create(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return memfd_create(arg_text(args, 0), (unsigned)arg_number(args, 1));
}

static long do_eventfd(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return eventfd((unsigned)arg_number(args, 0), (int)arg_number(args, 1));
}

/* poll(fd, events, timeout in ms) of one descriptor. */
static long do_poll(const actor_args *args, actor_reply *reply) {
  struct pollfd entry = {.fd = (int)arg_number(args, 0), .events = (short)arg_number(args, 1)};
  long result = poll(&entry, 1, (int)arg_number(args, 2));
  if (result >= 0) reply_number(reply, "revents", entry.revents);
  return result;
}

static long do_epoll_create1(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return epoll_create1((int)arg_number(args, 0));
}

/* epoll_ctl(epoll, operation, fd, events) */
static long do_epoll_ctl(const actor_args *args, actor_reply *reply) {
  (void)reply;
  struct epoll_event event = {.events = (uint32_t)arg_number(args, 3), .data.fd = (int)arg_number(args, 2)};
  return epoll_ctl((int)arg_number(args, 0), (int)arg_number(args, 1), (int)arg_number(args, 2), &event);
}

/* epoll_wait(epoll, timeout in ms) of one event */
static long do_epoll_wait(const actor_args *args, actor_reply *reply) {
  struct epoll_event event;
  long result = epoll_wait((int)arg_number(args, 0), &event, 1, (int)arg_number(args, 1));
  if (result > 0) reply_number(reply, "events", event.events);
  return result;
}

ACTOR_CALLS(descriptors, {"open", do_open}, {"close", do_close}, {"read", do_read}, {"drain", do_drain}, {"write", do_write},
            {"pipe2", do_pipe2}, {"mkdir", do_mkdir}, {"mkfifo", do_mkfifo}, {"unlink", do_unlink}, {"chmod", do_chmod}, {"stat", do_stat},
            {"fstat", do_fstat}, {"dup", do_dup}, {"fcntl", do_fcntl}, {"fcntl_lock", do_fcntl_lock}, {"flock", do_flock},
            {"ioctl", do_ioctl}, {"ftruncate", do_ftruncate}, {"fallocate", do_fallocate}, {"lseek", do_lseek},
            {"memfd_create", do_memfd_create}, {"eventfd", do_eventfd}, {"poll", do_poll}, {"readlink", do_readlink},
            {"epoll_create1", do_epoll_create1}, {"epoll_ctl", do_epoll_ctl}, {"epoll_wait", do_epoll_wait})
