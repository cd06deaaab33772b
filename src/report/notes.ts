/** What a reader must know beside the figures. */
import type { Outcome } from '../bench/record.js'
import { type Group, groupBy, type Missing, type Row } from './model.js'

/** A remark, and every adapter of the group that it is about. */
export interface Note {
  readonly adapters: readonly string[]
  readonly text: string
  /** Why the figure is missing; `measured` where it is there. */
  readonly status: Outcome['status']
}

/** What is missing in a row and why, what was lost, what was timed in batches. */
function remarksOn(row: Row): Omit<Note, 'adapters'>[] {
  const figures = [
    ['round trip', row.roundTrip],
    ['throughput', row.throughput],
    ['64 KiB throughput', row.bulk],
  ] as const
  const missing = new Map<string, { status: Missing['status']; names: string[] }>()
  const remarks: Omit<Note, 'adapters'>[] = []
  const remark = (text: string) => remarks.push({ status: 'measured', text })
  for (const [name, figure] of figures) {
    if (figure === undefined) continue
    if (figure.status === 'measured') {
      if (figure.lost > 0)
        remark(`${name}: ${figure.lost} of ${figure.lost + figure.samples} messages were lost, which this mechanism may do`)
      if (figure.batch > 1) remark(`${name}: too short for the clock, so each time is the mean of ${figure.batch}`)
      for (const note of figure.notes ?? []) remark(`${name}: ${note}`)
      if (figure.floor?.status === 'failed') remark(`${name}: no ratio to C, whose side failed: ${figure.floor.reason}`)
      if (figure.floor?.status === 'unavailable') remark(`${name}: no ratio to C, which cannot run here: ${figure.floor.reason}`)
    } else {
      const why = `${figure.status === 'impossible' ? 'not measured' : figure.status.replace('-', ' ')}: ${figure.reason}`
      missing.set(why, { status: figure.status, names: [...(missing.get(why)?.names ?? []), name] })
    }
  }
  for (const [why, { status, names }] of missing)
    remarks.push({ status, text: names.length === figures.length ? why : `${names.join(', ')} ${why}` })
  return remarks
}

/** On the figures of a group, and on who is not in it. */
export function notesOn(group: Group): Note[] {
  const remarks = [
    ...group.rows.flatMap((row) => remarksOn(row).map((remark) => ({ adapter: row.adapter, ...remark }))),
    ...group.leftOut.map(({ adapter, reason }) => ({ adapter, status: 'impossible' as const, text: `not here: ${reason}` })),
  ]
  return [...groupBy(remarks, ({ text }) => text)].map(([text, about]) => ({
    adapters: about.map(({ adapter }) => adapter),
    text,
    status: about[0]?.status ?? 'measured',
  }))
}
