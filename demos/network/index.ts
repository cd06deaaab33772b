/** The stories of the network lab, in the order in which they build on each other. */
import type { NetworkStory } from '../../src/lab/story.js'
import addresses from './addresses.js'
import arp from './arp.js'
import backlog from './backlog.js'
import broadcast from './broadcast.js'
import c10k from './c10k.js'
import channel from './channel.js'
import close from './close.js'
import congestion from './congestion.js'
import datagrams from './datagrams.js'
import encapsulation from './encapsulation.js'
import flow from './flow.js'
import halfClose from './half-close.js'
import http1 from './http1.js'
import http2 from './http2.js'
import ioModels from './io-models.js'
import ioReadiness from './io-readiness.js'
import link from './link.js'
import listen from './listen.js'
import multicast from './multicast.js'
import multicastTtl from './multicast-ttl.js'
import nagle from './nagle.js'
import nat from './nat.js'
import reliableTransfer from './reliable-transfer.js'
import resets from './resets.js'
import reuseAddress from './reuse-address.js'
import reusePort from './reuse-port.js'
import tcpStates from './tcp-states.js'
import timeWait from './time-wait.js'
import timeout from './timeout.js'
import tls from './tls.js'
import unixSockets from './unix-sockets.js'
import urgent from './urgent.js'
import vanishedPeer from './vanished-peer.js'
import zeroWindow from './zero-window.js'

export const stories: readonly NetworkStory[] = [
  addresses,
  arp,
  encapsulation,
  nat,
  link,
  tcpStates,
  listen,
  backlog,
  halfClose,
  close,
  resets,
  timeWait,
  reuseAddress,
  reusePort,
  vanishedPeer,
  flow,
  zeroWindow,
  nagle,
  urgent,
  congestion,
  timeout,
  reliableTransfer,
  datagrams,
  multicast,
  multicastTtl,
  broadcast,
  unixSockets,
  ioModels,
  ioReadiness,
  http1,
  http2,
  tls,
  c10k,
  channel,
]
