/** Memory for messages that the sender's library keeps for a while. */

/**
 * The memory of a message of the exchange soon serves again, and a library that queues it would send
 * something else. This copies each message to where it may stay until its receiver has it; a user, whose
 * every message has memory of its own, would pay for an allocation instead.
 */
export function lasting(inFlight: number): (data: Uint8Array) => Buffer {
  const slots: Buffer[] = []
  let next = 0
  return (data) => {
    let slot = slots[next]
    if (slot?.length !== data.length) {
      slot = Buffer.allocUnsafeSlow(data.length)
      slots[next] = slot
    }
    if (++next > inFlight) next = 0
    slot.set(data)
    return slot
  }
}
