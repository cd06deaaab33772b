// Writes docs/programs.md: every program of demos/programs, and what it prints when it is run now.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const FOLDER = 'demos/programs'
const ORDER = [
  'requests',
  'daemon',
  'log-shipper',
  'lock-file',
  'permits',
  'reload',
  'queue',
  'frames',
  'blocking',
  'fan-in',
  'ping-pong',
  'streams',
  'head-of-line',
]
const missing = readdirSync(FOLDER).filter((name) => !ORDER.includes(name))
if (missing.length > 0) throw new Error(`scripts/programs.mjs does not name ${missing}`)

const fence = (language, text) => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\`\n`

const section = (name) => {
  const main = readFileSync(`${FOLDER}/${name}/main.ts`, 'utf8')
  const title = /^\/\*\* (.*) \*\/\n/.exec(main)?.[1]
  const files = readdirSync(`${FOLDER}/${name}`).sort((a, b) => (b === 'main.ts') - (a === 'main.ts') || a.localeCompare(b))
  const code = files.map((file) => {
    const text = readFileSync(`${FOLDER}/${name}/${file}`, 'utf8')
    return `[${file}](../${FOLDER}/${name}/${file})\n\n${fence('ts', text.replace(/^\/\*\*.*\*\/\n/, ''))}`
  })
  const printed = execFileSync(process.execPath, [`dist/${FOLDER}/${name}/main.js`], { encoding: 'utf8' })
  return `## ${name}\n\n${title}\n\n${code.join('\n')}\nprints\n\n${fence('text', printed)}`
}

const page = `# Programs

What one writes with this package: each is a program between real processes that does one thing, with its other side. \`npx ipc-playground demo <name>\` (in the repository \`make demo-<name>\`) runs it. They are TypeScript 5.2 and newer; \`await using\` and \`using\` without a compiler need Node.js 24.

${ORDER.map((name) => `- [${name}](#${name})`).join('\n')}

${ORDER.map(section).join('\n')}`
writeFileSync('docs/programs.md', page)
console.log('docs/programs.md')
