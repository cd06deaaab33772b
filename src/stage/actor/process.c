/* What an actor does to itself: it forks, execs, changes its user, its namespaces and its limits, and is reset. */
#include "actor.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool tainted;

void taint(void) { tainted = true; }

static const char self[] = "/proc/self/exe";

/* fork(token): the child connects to the stage as an actor of its own; answers its pid. */
static long do_fork(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  pid_t child = fork();
  if (child != 0) return child;
  if (control_connect(control_path(), arg_text(args, 0)) < 0) actor_fail("connect");
  control_serve();
  _exit(0);
}

/* spawn(token): fork and exec; the child has what is inherited, and nothing else. */
static long do_spawn(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  pid_t child = fork();
  if (child != 0) return child;
  execl(self, "actor", control_path(), arg_text(args, 0), "--child", NULL);
  actor_fail("execl");
}

/* exec(): this process goes on as a new image, which answers. */
static long do_exec(const actor_args *args, actor_reply *reply) {
  (void)args, (void)reply;
  char sequence[24];
  snprintf(sequence, sizeof sequence, "%" PRId64, control_sequence());
  if (fcntl(CONTROL, F_SETFD, 0) < 0) return -1;
  return execl(self, "actor", control_path(), "--resume", sequence, NULL);
}

static long do_exit(const actor_args *args, actor_reply *reply) {
  (void)reply;
  _exit((int)arg_number(args, 0));
}

/* wait(pid, options) of a child that was forked. */
static long do_wait(const actor_args *args, actor_reply *reply) {
  int status = 0;
  long result = waitpid((pid_t)arg_number(args, 0), &status, (int)arg_number(args, 1));
  if (result > 0) {
    reply_number(reply, "code", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    reply_number(reply, "signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  }
  return result;
}

static long do_getpid(const actor_args *args, actor_reply *reply) {
  (void)args, (void)reply;
  return getpid();
}

static long do_getpagesize(const actor_args *args, actor_reply *reply) {
  (void)args, (void)reply;
  return sysconf(_SC_PAGESIZE);
}

/* become(uid, gid): all three ids, no further groups, no capability. */
static long do_become(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  gid_t gid = (gid_t)arg_number(args, 1);
  uid_t uid = (uid_t)arg_number(args, 0);
  return setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ? -1 : 0;
}

/* drop_capability(number): from what this process has and from what it may take. capset(2) */
static long do_drop_capability(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &header, sets) < 0) return -1;
  uint32_t number = (uint32_t)arg_number(args, 0), others = ~(1U << number % 32);
  sets[number / 32].effective &= others;
  sets[number / 32].permitted &= others;
  sets[number / 32].inheritable &= others;
  return syscall(SYS_capset, &header, sets);
}

static long do_unshare(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  return unshare((int)arg_number(args, 0));
}

/* setns(fd, type) */
static long do_setns(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  return setns((int)arg_number(args, 0), (int)arg_number(args, 1));
}

/* mount(source, target, type, flags): of the mount namespace that this process is in. */
static long do_mount(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  return mount(arg_text(args, 0), arg_text(args, 1), arg_text(args, 2), (unsigned long)arg_number(args, 3), NULL);
}

static long set_interface(const actor_args *args, bool up) {
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", arg_text(args, 0));
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  long result = ioctl(fd, SIOCGIFFLAGS, &request);
  request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  if (result == 0) result = ioctl(fd, SIOCSIFFLAGS, &request);
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

/* interface_up(name), interface_down(name): of the network namespace that this process is in. netdevice(7) */
static long do_interface_up(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return set_interface(args, true);
}

static long do_interface_down(const actor_args *args, actor_reply *reply) {
  (void)reply;
  return set_interface(args, false);
}

/* setrlimit(resource, soft, hard) */
static long do_setrlimit(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  struct rlimit limit = {.rlim_cur = (rlim_t)arg_number(args, 1), .rlim_max = (rlim_t)arg_number(args, 2)};
  return setrlimit((__rlimit_resource_t)arg_number(args, 0), &limit);
}

static long do_getrlimit(const actor_args *args, actor_reply *reply) {
  struct rlimit limit;
  long result = getrlimit((__rlimit_resource_t)arg_number(args, 0), &limit);
  if (result < 0) return result;
  // RLIM_INFINITY is the largest number there, too.
  reply_number(reply, "soft", limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur);
  reply_number(reply, "hard", limit.rlim_max > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_max);
  return result;
}

/* pin(index): to one of the processors that it may use, counted from 0. EINVAL where there are fewer. */
static long do_pin(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) return -1;
  int64_t index = arg_number(args, 0);
  CPU_ZERO(&one);
  for (int processor = 0; processor < CPU_SETSIZE; processor++)
    if (CPU_ISSET(processor, &allowed) && index-- == 0) CPU_SET(processor, &one);
  return sched_setaffinity(0, sizeof one, &one);
}

/* sched_fifo(priority): SCHED_FIFO from now on. sched(7) */
static long do_sched_fifo(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  return sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = (int)arg_number(args, 0)});
}

static long do_umask(const actor_args *args, actor_reply *reply) {
  (void)reply;
  taint();
  return umask((mode_t)arg_number(args, 0));
}

/* Gives back what an experiment left: descriptors, handlers, held signals. EPERM where that is not all. */
static long do_reset(const actor_args *args, actor_reply *reply) {
  (void)args, (void)reply;
  if (tainted) return from_error(EPERM);
  if (close_range(CONTROL + 1, ~0U, 0) < 0) return -1;
  for (int number = 1; number < NSIG; number++) {
    signal(number, SIG_IGN); // what is pending is discarded
    signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, NULL);
}

ACTOR_CALLS(process, {"fork", do_fork}, {"spawn", do_spawn}, {"exec", do_exec}, {"exit", do_exit}, {"wait", do_wait},
            {"getpid", do_getpid}, {"getpagesize", do_getpagesize}, {"become", do_become}, {"drop_capability", do_drop_capability},
            {"unshare", do_unshare}, {"setns", do_setns}, {"mount", do_mount}, {"interface_up", do_interface_up},
            {"interface_down", do_interface_down}, {"setrlimit", do_setrlimit}, {"getrlimit", do_getrlimit}, {"pin", do_pin},
            {"sched_fifo", do_sched_fifo}, {"umask", do_umask}, {"reset", do_reset})
