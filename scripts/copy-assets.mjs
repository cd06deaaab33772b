// Puts what the HTML report inlines beside the compiled code: its own page parts, and the chart library.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'

const from = 'src/report/assets'
const to = 'dist/src/report/assets'
mkdirSync(to, { recursive: true })
for (const name of readdirSync(from)) copyFileSync(`${from}/${name}`, `${to}/${name}`)
copyFileSync('node_modules/chart.js/dist/chart.umd.min.js', `${to}/chart.js`)
