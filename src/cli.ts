#!/usr/bin/env node
/** The command line. Each command is a file of `commands/`, loaded when it is called. */
import { Command, CommanderError } from 'commander'
import { Interrupted, UsageError } from './commands/outcome.js'
import { version } from './commands/package-folder.js'

const program = new Command('ipc-playground')
  .description('Every way that two processes on one machine can talk, behind one Channel.')
  .version(version)
  .showHelpAfterError('(ipc-playground --help shows the commands)')
  .exitOverride()
  .addHelpText(
    'after',
    `
A name is a mechanism (socket) or an adapter (socket/tcp); \`ipc-playground list\` shows them all.

Examples:
  ipc-playground list                      the mechanisms and their adapters
  ipc-playground demo fifo                 a FIFO between two processes, with what the kernel shows
  ipc-playground demo daemon               one of the programs that docs/programs.md shows
  ipc-playground show message-queue        its demo, its conformance and its figures
  ipc-playground bench --plan              what \`make bench\` measures, and why
  ipc-playground bench socket pipe --json  figures for programs
  ipc-playground bench --adapter shared-memory/ring --size 64,64KiB --placement cross-core --wait spin
  ipc-playground cell P30 svsem            a process is killed while it holds a semaphore: what is left
  ipc-playground quiz pipe fifo            what will the kernel do?
  ipc-playground report                    everything, compared, into reports/latest/
  ipc-playground compare old.json new.json what changed from one report to another
  ipc-playground doctor                    what runs on this machine, and why the rest does not

Exit status: 0 done, 1 something failed, 2 wrong use or cannot run here, 130 or 143 interrupted.`,
  )

/** Runs a command's module; what it answers is the exit status. */
const run =
  <A extends unknown[]>(load: () => Promise<(...args: A) => Promise<number>>) =>
  async (...args: A) => {
    process.exitCode = await (await load())(...args)
  }

program
  .command('list')
  .description('the mechanisms and their adapters')
  .option('--json', 'as data')
  .action(run(async () => (await import('./commands/list.js')).list))

program
  .command('demo')
  .argument('<name>', 'a mechanism or an adapter, or a program of docs/programs.md')
  .description('a story between two processes: who did what, and what the kernel shows meanwhile')
  .action(run(async () => (await import('./commands/demo.js')).demo))

program
  .command('show')
  .argument('<name>', 'a mechanism or an adapter')
  .description('the demo, then the conformance and the figures')
  .option('--no-demo', 'without the demo')
  .action(run(async () => (await import('./commands/show.js')).show))

/** An option that may be given several times, or with commas. */
const several = (text: string, before: readonly string[]): readonly string[] => [...before, ...text.split(',').filter(Boolean)]

program
  .command('bench')
  .argument('[names...]', 'mechanisms, adapters, peer or one of the peers (what users pick instead); default all')
  .description('measures a stated plan beside floors in C, or what is selected, and writes the report')
  .option('--adapter <names>', 'as the arguments', several, [])
  .option('--workload <workloads>', 'round-trip, throughput, gathered, one-way, fan-in, rendezvous, idle, wrapper', several, [])
  .option('--size <bytes>', 'payloads, such as 64, 64KiB or 1MiB', several, [])
  .option('--placement <placements>', 'same-core, cross-core, free', several, [])
  .option('--wait <modes>', 'block, poll, spin, adaptive', several, [])
  .option('--duration <seconds>', 'what each trial measures')
  .option('--budget <seconds>', 'the time that all trials together may take')
  .option('--full', 'the full cross-product, which takes hours')
  .option('--plan', 'prints what would be measured, and why')
  .option('--folder <folder>', 'where to write (default reports/latest, unless there is a selection)')
  .option('--json', 'prints report.json instead of the tables')
  .option('--compare <old>', 'a report.json: says what changed since, and exits with 1 where something became worse')
  .action(run(async () => (await import('./commands/bench.js')).bench))

program
  .command('report')
  .argument('[names...]', 'mechanisms or adapters; default all')
  .description('conformance and figures, compared in a table and written as JSON, Markdown and HTML')
  .option('--folder <folder>', 'where to write', 'reports/latest')
  .option('--budget <seconds>', 'the time that all trials together may take', '100')
  .option('--json', 'prints report.json instead of the table')
  .option('--compare <old>', 'a report.json: says what changed since, and exits with 1 where something became worse')
  .action(run(async () => (await import('./commands/report.js')).report))

program
  .command('matrix')
  .argument('[names...]', 'properties (P30, lock-holder-killed) and mechanisms (svsem, semaphore/sysv); default all')
  .description('the semantics matrix: every property of every mechanism, by experiment')
  .option('--folder <folder>', 'where to write', 'reports/latest')
  .option('--json', 'prints matrix.json instead of the grid')
  .action(run(async () => (await import('./commands/matrix.js')).matrix))

program
  .command('cell')
  .argument('<property>', 'such as P30 or lock-holder-killed')
  .argument('<mechanism>', 'such as svsem or semaphore/sysv')
  .description('one experiment of the matrix, step by step: prediction, action, observation, citation')
  .option('--json', 'as data')
  .action(run(async () => (await import('./commands/cell.js')).cell))

program
  .command('quiz')
  .argument('[names...]', 'properties and mechanisms, as for matrix; default all')
  .description('what will the kernel do? You say, it does, and the score is kept')
  .option('--questions <n>', 'how many', '10')
  .action(run(async () => (await import('./commands/quiz.js')).quiz))

program
  .command('compare-crash')
  .description('one process is killed, for each mechanism: what its survivor finds, side by side')
  .option('--json', 'as data')
  .action(run(async () => (await import('./commands/compare-crash.js')).compareCrash))

program
  .command('lab')
  .argument('[stories...]', 'such as tcp-states; default all')
  .description('the network lab: TCP, UDP and what is above them, seen in the kernel; one story is told step by step')
  .option('--folder <folder>', 'where to write', 'reports/latest')
  .option('--json', 'the results with their traces')
  .action(run(async () => (await import('./commands/lab.js')).lab))

program
  .command('compare')
  .argument('<old>', 'a report.json')
  .argument('<new>', 'another, of the same machine')
  .description('what changed from one report to another, beyond chance')
  .option('--json', 'as data')
  .action(run(async () => (await import('./commands/compare.js')).compare))

program
  .command('doctor')
  .description('which adapters run here, why the others do not, and the limits of this machine')
  .option('--json', 'as data')
  .action(run(async () => (await import('./commands/doctor.js')).doctor))

program
  .command('build')
  .description('builds the native addon, and the actor of the matrix, with a C compiler')
  .action(run(async () => (await import('./commands/build.js')).build))

program
  .command('clean')
  .description('removes the objects that killed processes left behind')
  .option('--json', 'as data')
  .action(run(async () => (await import('./commands/clean.js')).clean))

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? 0 : 2 // commander has said what is wrong
  else if (error instanceof Interrupted) process.exitCode = error.exitStatus
  else {
    console.error(`ipc-playground: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}
