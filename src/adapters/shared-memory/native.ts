import { symbols } from '../../native/index.js'

/** sysvipc(7). Ids and 0, or -errno. */
interface SysvNative {
  shmGet(key: number, bytes: number, flags: number): number
  /** A mapping's handle, for `Mapping`. */
  shmMap(id: number): number
  /** `out` becomes bytes, creator's pid, time of the last change, number of mappings. */
  shmStat(id: number, out: Float64Array): number
  shmRemove(id: number): number
}

export const native = symbols<SysvNative>()
