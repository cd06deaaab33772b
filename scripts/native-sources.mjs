// The addon's C files: the shared part, and the native.c of every adapter folder. Read by binding.gyp.
import { existsSync, readdirSync } from 'node:fs'

const shared = readdirSync('src/native')
  .filter((name) => name.endsWith('.c'))
  .map((name) => `src/native/${name}`)
const adapters = readdirSync('src/adapters')
  .map((name) => `src/adapters/${name}/native.c`)
  .filter((path) => existsSync(path))
console.log([...shared, ...adapters].join('\n'))
