/** Whose answers they are. */
import { release } from 'node:os'
import { capabilities } from '../core/limits.js'

/** What the kernel's answers depend on. */
export interface Host {
  readonly kernel: string
  /** The version of glibc, where that is the C library. */
  readonly libc?: string
  readonly node: string
  readonly user: number
  /** The effective ones, as a hexadecimal number. capabilities(7) */
  readonly capabilities: string
}

export function host(): Host {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return {
    kernel: `${process.platform} ${release()} ${process.arch}`,
    ...(header.glibcVersionRuntime === undefined ? {} : { libc: header.glibcVersionRuntime }),
    node: process.version,
    user: process.getuid?.() ?? -1,
    capabilities: capabilities(),
  }
}
