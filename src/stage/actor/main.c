/*
 * actor SOCKET TOKEN [--child], or after an exec of itself: actor SOCKET --resume SEQUENCE
 *
 * What another program started dies with it, even while it waits or is stopped.
 */
#include "actor.h"
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[2], "--resume") == 0) control_resume(argv[1], argv[3]);
  else if (argc < 3 || control_connect(argv[1], argv[2]) < 0) return 127; // the stage is gone, or there was none
  if (argc == 3) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    make_room_for_signals();
  } else
    taint(); // its namespaces, its user and what it inherited are those of the process that it comes from
  control_serve();
  return 0;
}
