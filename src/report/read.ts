/** Reads a report, or a matrix, that was written before, and trusts nothing in it. */
import { readFileSync } from 'node:fs'
import type { BenchRecord } from '../bench/record.js'
import type { TcpState } from '../lab/tcp-state.js'
import type { Fate } from '../lab/trace.js'
import { PLACEMENT, WAIT, WORKLOAD } from './format.js'
import { LAB_SYMBOLS, LAB_VERSION, type LabReport } from './lab.js'
import { MATRIX_VERSION, type MatrixReport } from './matrix.js'
import { SYMBOLS } from './matrix-words.js'
import { REPORT_VERSION, type Report } from './model.js'

/** The file cannot be read, is damaged, is something else, or is of another version. */
export class ReportFileError extends Error {
  constructor(path: string, why: string, cause?: unknown) {
    super(`${path} ${why}`, { cause })
    this.name = 'ReportFileError'
  }
}

/** @throws ReportFileError */
export function readReport(path: string): Report {
  const data = readData(path)
  if (!isObject(data) || typeof data.version !== 'number' || !Array.isArray(data.records) || !isObject(data.environment))
    throw new ReportFileError(path, 'is no report.json of ipc-playground')
  if (data.version !== REPORT_VERSION)
    throw new ReportFileError(path, `is a report of version ${data.version}, and this reads version ${REPORT_VERSION}: measure again`)
  const why = damageOf(data)
  if (why !== undefined) throw new ReportFileError(path, `is damaged: ${why}`)
  return data as unknown as Report
}

/** @throws ReportFileError */
export function readMatrix(path: string): MatrixReport {
  const data = readData(path)
  if (!isObject(data) || typeof data.version !== 'number' || !Array.isArray(data.cells) || !isObject(data.host))
    throw new ReportFileError(path, 'is no matrix.json of ipc-playground')
  if (data.version !== MATRIX_VERSION)
    throw new ReportFileError(path, `is a matrix of version ${data.version}, and this reads version ${MATRIX_VERSION}: run it again`)
  if (!isText(data.createdAt) || !isText(data.host.kernel) || !isText(data.host.node) || !data.cells.every(isCell))
    throw new ReportFileError(path, 'is damaged')
  return data as unknown as MatrixReport
}

/** @throws ReportFileError */
export function readLab(path: string): LabReport {
  const data = readData(path)
  if (!isObject(data) || typeof data.version !== 'number' || !Array.isArray(data.stories))
    throw new ReportFileError(path, 'is no lab.json of ipc-playground')
  if (data.version !== LAB_VERSION)
    throw new ReportFileError(path, `is a lab of version ${data.version}, and this reads version ${LAB_VERSION}: play it again`)
  if (!isText(data.createdAt) || !data.stories.every(isStory)) throw new ReportFileError(path, 'is damaged')
  return data as unknown as LabReport
}

const isStory = (story: unknown): boolean =>
  isObject(story) &&
  ['name', 'title', 'prediction', 'citation'].every((name) => isText(story[name])) &&
  isOneOf(story.verdict, LAB_SYMBOLS) &&
  isNumber(story.ms) &&
  isObject(story.trace) &&
  isText(story.trace.backend) &&
  isText(story.trace.kernel) &&
  Array.isArray(story.trace.events) &&
  story.trace.events.every(isEvent)

const FATES: Readonly<Record<Fate, true>> = { delivered: true, held: true, lost: true, corrupted: true, duplicated: true }
const STATES: Readonly<Record<TcpState, true>> = {
  CLOSE: true,
  LISTEN: true,
  SYN_SENT: true,
  SYN_RECV: true,
  ESTABLISHED: true,
  FIN_WAIT1: true,
  FIN_WAIT2: true,
  CLOSE_WAIT: true,
  CLOSING: true,
  LAST_ACK: true,
  TIME_WAIT: true,
}

const isEvent = (event: unknown): boolean =>
  isObject(event) &&
  isNumber(event.t) &&
  ['side', 'note', 'kind'].every((name) => event[name] === undefined || isText(event[name])) &&
  isAbsentOr(event.state, isStateChange) &&
  isAbsentOr(event.packet, isPacket) &&
  isAbsentOr(event.sample, isSample) &&
  isAbsentOr(event.message, isMessage)

const isAbsentOr = (part: unknown, fits: (part: Data) => boolean): boolean => part === undefined || (isObject(part) && fits(part))

const isStateChange = ({ socket, from, to }: Data): boolean =>
  isText(socket) && isOneOf(to, STATES) && (from === undefined || isOneOf(from, STATES))
const isPacket = ({ number, text, length, fate, arrived, flags, ports, frame }: Data): boolean =>
  isNumber(number) &&
  isText(text) &&
  isNumber(length) &&
  isOneOf(fate, FATES) &&
  (arrived === undefined || isNumber(arrived)) &&
  (ports === undefined || areNumbers(ports)) &&
  (frame === undefined || (isObject(frame) && Array.isArray(frame.to) && frame.to.every(isText))) &&
  (flags === undefined || (Array.isArray(flags) && flags.every(isText)))
const isMessage = ({ protocol, text, stream }: Data): boolean =>
  isText(protocol) && isText(text) && (stream === undefined || isNumber(stream))
const isSample = ({ name, value, over, end }: Data): boolean =>
  isText(name) &&
  isNumber(value) &&
  (end === undefined || isText(end)) &&
  (over === undefined || (isObject(over) && isText(over.name) && isNumber(over.value)))

const isCell = (cell: unknown): boolean =>
  isObject(cell) &&
  ['property', 'name', 'title', 'group', 'subject', 'adapter'].every((name) => isText(cell[name])) &&
  isOneOf(cell.verdict, SYMBOLS) &&
  isObject(cell.prediction) &&
  isText(cell.prediction.value) &&
  Array.isArray(cell.steps) &&
  (cell.observation === undefined || (isObject(cell.observation) && isText(cell.observation.value)))

function readData(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new ReportFileError(path, `cannot be read: ${error instanceof Error ? error.message : error}`, error)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ReportFileError(path, `is damaged, or no report: ${error instanceof Error ? error.message : error}`, error)
  }
}

type Data = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const areNumbers = (value: unknown): boolean => Array.isArray(value) && value.every(isNumber)
const isSpread = (value: unknown): boolean => isObject(value) && isNumber(value.value) && isNumber(value.low) && isNumber(value.high)
const isOneOf = (value: unknown, titles: object): boolean => isText(value) && Object.hasOwn(titles, value)

function damageOf(report: Data): string | undefined {
  if (!isText(report.createdAt) || Number.isNaN(Date.parse(report.createdAt))) return 'createdAt is no date'
  if (!Array.isArray(report.conformance)) return 'conformance is no list'
  if (!isObject(report.capabilities)) return 'capabilities are not there'
  const environment = report.environment as Data
  const { processors, mitigations, clock } = environment
  if (!isText(environment.cpu) || !isText(environment.kernel) || !isText(environment.node)) return 'the environment is not complete'
  if (!isNumber(environment.memoryBytes) || !areNumbers(processors) || !isObject(mitigations)) return 'the environment is not complete'
  if (environment.governor !== undefined && !isText(environment.governor)) return 'the environment is not complete'
  if (environment.load !== undefined && !isNumber(environment.load)) return 'the environment is not complete'
  if (!isObject(clock) || !isNumber(clock.resolutionNs) || !isNumber(clock.readingNs)) return 'the environment is not complete'
  for (const [i, record] of (report.records as unknown[]).entries()) {
    const why = isObject(record) ? damageOfRecord(record) : 'is no record'
    if (why !== undefined) return `record ${i} ${why}`
  }
  return undefined
}

const isLaunch = (launch: unknown): boolean =>
  isObject(launch) &&
  areNumbers(launch.rounds) &&
  areNumbers(launch.probesNs) &&
  (launch.floorRounds === undefined || areNumbers(launch.floorRounds))

const STATUSES: Readonly<Record<Exclude<BenchRecord['status'], 'measured'>, true>> = {
  failed: true,
  unavailable: true,
  impossible: true,
  'not-run': true,
}

function damageOfRecord(record: Data): string | undefined {
  const { adapter, mechanism, workload, payloadBytes, placement, wait, senders, status, floor } = record
  if (!isText(adapter) || !isText(mechanism) || !isNumber(payloadBytes)) return 'does not say what was measured'
  if (!isOneOf(workload, WORKLOAD)) return `has the unknown workload ${JSON.stringify(workload)}`
  if (!isOneOf(placement, PLACEMENT) || !isOneOf(wait, WAIT)) return 'has an unknown placement or wait mode'
  if (senders !== undefined && !isNumber(senders)) return 'has no number of senders'
  if (isOneOf(status, STATUSES)) return isText(record.reason) ? undefined : 'has no reason'
  if (status !== 'measured') return `has the unknown status ${JSON.stringify(status)}`
  if (!Array.isArray(record.launches) || !record.launches.every(isLaunch)) return 'has no launches'
  if (damageOfFigures(record)) return 'has figures that are no numbers'
  if (
    record.wrapper !== undefined &&
    !(isObject(record.wrapper) && isNumber(record.wrapper.endpointNs) && isSpread(record.wrapper.addedNs))
  )
    return 'has a cost of the channel that is no number'
  if (floor === undefined) return undefined
  if (!isObject(floor)) return 'has a floor that is none'
  if (floor.status !== 'measured') return isText(floor.reason) ? undefined : 'has a floor without a reason'
  if (!isSpread(floor.ratio)) return 'has a floor without a ratio'
  return damageOfFigures(floor) ? 'has a floor whose figures are no numbers' : undefined
}

const FIGURES = ['messagesPerSecond', 'gigabytesPerSecond', 'cpuUsPerMessage', 'garbageBytesPerMessage', 'syscallsPerMessage']

function damageOfFigures(figures: Data): boolean {
  const { timesUs } = figures
  if (FIGURES.some((name) => figures[name] !== undefined && !isNumber(figures[name]))) return true
  return timesUs !== undefined && !(isObject(timesUs) && ['p50', 'p99', 'p999', 'max', 'mean'].every((name) => isNumber(timesUs[name])))
}
