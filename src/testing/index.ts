/**
 * For tests of users: a pair of channels in memory, with faults. For authors of adapters: the conformance suite.
 * @module ipc-playground/testing
 */
export { type ChannelPair, channelPair, type PairOptions } from './channel-pair.js'
export type { Case, Subject } from './conformance/case.js'
export { conformanceCases } from './conformance/cases.js'
export { type ConformanceOptions, runConformance, subjectOf } from './conformance/run.js'
export { conformanceTests, type RegisterTest } from './conformance/tests.js'
export type { Faults, KillPoint } from './faults.js'
export type { MemoryOptions } from './memory-endpoint.js'
export { type CaseResult, type CaseStatus, type ConformanceReport, countByStatus } from './results.js'
