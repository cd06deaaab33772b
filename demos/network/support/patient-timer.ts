/** A retransmission timer that takes a machine that is late for a while not for a line that loses. */
import type { Host } from '../../../src/lab/host.js'
import { Skip } from '../../../src/stage/stage.js'

/** Of the connections that this host makes from now on; before Linux 6.11 it stays at 200 ms. ip-sysctl, tcp_rto_min_us */
export async function waitAtLeast(host: Host, ms: number): Promise<void> {
  try {
    await host.sysctl('net.ipv4.tcp_rto_min_us', ms * 1000)
  } catch (error) {
    if (!(error instanceof Skip)) throw error
  }
}
