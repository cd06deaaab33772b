#include "usage.h"
#include "floor.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// Adds up the fields of one status file. proc_pid_status(5); threads may end at any time, and count no more.
static void add_status(const char *path, usage *sum) {
  char line[128];
  unsigned long value;
  FILE *file = fopen(path, "re");
  if (file == NULL) return;
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "VmHWM: %lu kB", &value) == 1) sum->peak_rss_bytes = value * 1024;
    if (sscanf(line, "voluntary_ctxt_switches: %lu", &value) == 1) sum->voluntary += value;
    if (sscanf(line, "nonvoluntary_ctxt_switches: %lu", &value) == 1) sum->involuntary += value;
  }
  fclose(file);
}

usage usage_of(pid_t process) {
  usage sum = {0};
  clockid_t clock;
  struct timespec ran;
  int error = clock_getcpuclockid(process, &clock);
  if (error != 0) floor_fail("clock_getcpuclockid: %s", strerror(error));
  floor_check(clock_gettime(clock, &ran), "clock_gettime");
  sum.cpu_us = (double)ran.tv_sec * 1e6 + (double)ran.tv_nsec / 1e3;
  char path[64 + sizeof(((struct dirent *)NULL)->d_name)];
  snprintf(path, sizeof path, "/proc/%d/task", (int)process);
  DIR *threads = opendir(path);
  if (threads == NULL) floor_fail("%s: %s", path, strerror(errno));
  for (struct dirent *thread; (thread = readdir(threads)) != NULL;) {
    if (thread->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)process, thread->d_name);
    add_status(path, &sum);
  }
  closedir(threads);
  return sum;
}
