/** What hosts tell routers of their multicast groups. RFC 2236, RFC 3376 */

export interface GroupChange {
  readonly change: 'join' | 'leave'
  readonly group: string
}

const [V1_REPORT, V2_REPORT, V2_LEAVE, V3_REPORT] = [0x12, 0x16, 0x17, 0x22]
/** Records of a version 3 report: from now on all sources but none, from now on no source. RFC 3376, 4.2.12 */
const [TO_INCLUDE, TO_EXCLUDE] = [3, 4]
const [RECORDS_AT, RECORD_BYTES] = [8, 8]

/** Which groups are joined and left by a message; none by a query. */
export function groupChanges(message: Uint8Array): readonly GroupChange[] {
  const type = message[0]
  const groupAt = (at: number): string => message.subarray(at, at + 4).join('.')
  if (type === V1_REPORT || type === V2_REPORT) return [{ change: 'join', group: groupAt(4) }]
  if (type === V2_LEAVE) return [{ change: 'leave', group: groupAt(4) }]
  if (type !== V3_REPORT) return []
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const changes: GroupChange[] = []
  for (let at = RECORDS_AT; at + RECORD_BYTES <= message.length; ) {
    const [kind, words, sources] = [view.getUint8(at), view.getUint8(at + 1), view.getUint16(at + 2)]
    if (kind === TO_EXCLUDE || kind === TO_INCLUDE) changes.push({ change: kind === TO_EXCLUDE ? 'join' : 'leave', group: groupAt(at + 4) })
    at += RECORD_BYTES + 4 * (sources + words)
  }
  return changes
}
