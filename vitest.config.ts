import { defineConfig } from 'vitest/config'

/** Tests run as tsc compiled them, in processes of their own: they start processes, change the umask and hold signals. */
export default defineConfig({
  test: {
    include: ['dist/test/**/*.test.js'],
    pool: 'forks',
    maxWorkers: 2,
    // A conformance test waits for its turn; each case has a watchdog of its own.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    globalSetup: ['dist/test/census.js', 'dist/test/pending-signals.js'],
    reporters: process.env.VITEST_JSON === undefined ? ['default'] : ['default', ['json', { outputFile: process.env.VITEST_JSON }]],
  },
})
