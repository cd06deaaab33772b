/** The package as it is published, and the projects of users who have it. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { assert, type TestContext } from 'vitest'
import { type Outcome, packageFolder, run } from './run.js'

interface Manifest {
  readonly scripts: Record<string, string>
  readonly gypfile?: boolean
  readonly dependencies: Record<string, string>
  readonly bin: { readonly 'ipc-playground': string }
}
export const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as Manifest

/** As `run`, and the command succeeds. */
export async function succeed(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const outcome = await run(command, args, { cwd, env: { npm_config_update_notifier: 'false', NODE_DISABLE_COMPILE_CACHE: '1', ...env } })
  assert.equal(outcome.status, 0, `${command} ${args.join(' ')}\n${outcome.stdout}${outcome.stderr}`)
  return outcome
}

/** A folder of a test file's own, until it removes it. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'ipc-package-'))

  /** What is published, with the prebuilt addons that `make` has made here. */
  async pack(): Promise<{ tarball: string; size: number; files: string[] }> {
    const { stdout } = await succeed('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', this.folder], packageFolder)
    const [{ filename, size, files }] = JSON.parse(stdout) as [{ filename: string; size: number; files: { path: string }[] }]
    return { tarball: join(this.folder, filename), size, files: files.map(({ path }) => path) }
  }

  /** An empty project of a user. */
  project(name: string): string {
    const project = join(this.folder, name)
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', version: '1.0.0', type: 'module' }))
    return project
  }

  /** One that has nothing but the packed package, and its dependencies from here: no registry is asked. */
  async projectWith(tarball: string, name: string): Promise<string> {
    const project = this.project(name)
    const modules = join(project, 'node_modules')
    mkdirSync(join(modules, 'ipc-playground'), { recursive: true })
    await succeed('tar', ['xzf', tarball, '-C', join(modules, 'ipc-playground'), '--strip-components=1'], this.folder)
    for (const dependency of Object.keys(manifest.dependencies))
      symlinkSync(join(packageFolder, 'node_modules', dependency), join(modules, dependency))
    return project
  }

  /** npm packages, each as `NAME@npm:PACKAGE@VERSION` or `PACKAGE@VERSION`: the folder that has them in its node_modules. Skips the test where no registry answers. */
  async install(context: TestContext, name: string, packages: readonly string[]): Promise<string> {
    const project = this.project(name)
    // `--force`: a Node for another machine than this one.
    const flags = ['--ignore-scripts', '--force', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=1']
    const { status, stderr } = await run('npm', ['install', ...flags, ...packages], { cwd: project })
    if (status !== 0 && UNREACHABLE.test(stderr)) context.skip(`no npm registry answers: ${UNREACHABLE.exec(stderr)?.[0]}`)
    assert.equal(status, 0, stderr)
    return project
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const UNREACHABLE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENOTCACHED)\b/

/** Copies compiled programs of test/fixtures into a project. */
export function bring(project: string, ...names: readonly string[]): void {
  for (const name of names) copyFileSync(join(packageFolder, 'dist/test/fixtures', name), join(project, basename(name)))
}
