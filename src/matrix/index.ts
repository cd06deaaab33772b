/**
 * The semantics of IPC as experiments: each property of each mechanism is acted out between processes and
 * held against what the documents say.
 *
 *     import { findProperty, findSubject, runCell } from 'ipc-playground/matrix'
 *     const { verdict, observation } = await runCell(findProperty('P30'), findSubject('semaphore/sysv'))
 *
 * @module ipc-playground/matrix
 */

export { type Call, call, Outcome } from '../stage/call.js'
export { Company, unavailable } from '../stage/company.js'
export { Skip, Stage } from '../stage/stage.js'
export type { Step } from '../stage/story.js'
export { findProperty, findSubject } from './find.js'
export { type Host, host } from './host.js'
export { expectationOf, groupOf, type Prediction, predictionOf, titleOf } from './oracle/oracle.js'
export { properties } from './properties/index.js'
export type { Experiment, NotApplicable, Property } from './properties/property.js'
export { type Question, questionOf, shuffled } from './question.js'
export { type CellOptions, type CellResult, runCell, type Verdict } from './run-cell.js'
export { allCells, type Cell, type MatrixOptions, runMatrix } from './run-matrix.js'
export { subjects } from './subjects/index.js'
export type { End, Pair, Subject } from './subjects/subject.js'
export { type Expectation, type Observation, type SubjectKey, subjectKeys } from './vocabulary.js'
