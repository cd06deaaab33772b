#!/bin/sh
# Runs a command with queues, System V objects and a /dev/shm of its own where the host allows it, else as
# it is: what stands there then is the command's, and no other program's.
# Options of unshare(1) come first, then `--`.
options=''
while [ "$1" != -- ]; do
  options="$options $1"
  shift
done
shift
mounts='mount -t tmpfs ipc-playground /dev/shm && mkdir -p /dev/mqueue && mount -t mqueue ipc-playground /dev/mqueue'
if unshare --ipc --mount $options sh -c "$mounts" 2>/dev/null; then
  exec unshare --ipc --mount $options sh -c "$mounts"' && exec "$@"' sh "$@"
fi
exec "$@"
