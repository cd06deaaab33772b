/** For authors of adapters and for tests: the conformance suite, and a pair of endpoints in memory with faults. */
export type { Case, Subject } from './conformance/case.js'
export { conformanceCases } from './conformance/cases.js'
export { type ConformanceOptions, runConformance, subjectOf } from './conformance/run.js'
export { inProcessChannels, inProcessPair, type MemoryEndpoint, type MemoryOptions } from './in-process.js'
export { type CaseResult, type CaseStatus, type ConformanceReport, countByStatus } from './results.js'
