// A line for each target of a mechanism and of an adapter, read from the sources: nothing needs to be built.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const summaryIn = (file) => (existsSync(file) ? (/^\s*summary:\s*(['"`])(.*?)\1,?$/m.exec(readFileSync(file, 'utf8'))?.[2] ?? '') : '')
const line = (target, summary) => console.log(`make ${target.padEnd(30)} ${summary}`.trimEnd())

for (const mechanism of readdirSync('src/adapters').sort()) {
  const index = `src/adapters/${mechanism}/index.ts`
  if (!existsSync(index)) continue
  line(mechanism, summaryIn(index))
  for (const [, variant] of readFileSync(index, 'utf8').matchAll(/^\s*'?([a-z0-9-]+)'?:\s*\{\s*scheme:/gm))
    line(`${mechanism}-${variant}`, summaryIn(`src/adapters/${mechanism}/${variant}.ts`))
}
